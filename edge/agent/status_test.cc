#include "edge/agent/status.h"

#include <fcntl.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "edge/agent/live_line.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

AgentStatus One() {
  AgentStatus status;
  status.connected = true;
  status.clock_uncertainty_us = 1'840;
  PersonStatus person;
  person.name = "Ana";
  person.state = "live";
  person.bpm = 63.7;
  person.data_age_ms = 840;
  person.artefact_share = 0.021;
  person.device.link = DeviceStatus::Link::kConnected;
  person.device.battery_percent = 85;
  person.device.contact = true;
  person.beats_waiting = 3;
  status.people = {person};
  return status;
}

TEST(LiveLine, OnePersonInFullAndWhatGoesFirst) {
  EXPECT_EQ(LiveLine(One(), 119, false),
            "Ana 64 bpm | 0.8 s ago | 2 % artefacts | battery 85 % | on skin | live | 3 unsaved | "
            "clock 1.8 ms");
  EXPECT_EQ(LiveLine(One(), 79, false),
            "Ana 64 bpm | 0.8 s ago | 2% art. | bat. 85% | on skin | live | 3 unsaved");
  const std::string narrow = LiveLine(One(), 59, false);
  EXPECT_LE(Width(narrow), 59);
  for (const char* kept : {"64 bpm", "0.8 s ago", "live", "art."}) {
    EXPECT_NE(narrow.find(kept), std::string::npos) << narrow;
  }
  EXPECT_EQ(LiveLine(One(), 10, false), "Ana 64 bpm");
  EXPECT_EQ(LiveLine(One(), 4, false).substr(0, 3), "Ana");
  EXPECT_EQ(LiveLine(One(), 0, false), "");
}

TEST(LiveLine, FitsAnyWidthWithAnyName) {
  AgentStatus status = One();
  status.people[0].name = "Åsa-Märta \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\x1b[2J\n very long";
  for (const size_t people : {1, 2, 7, 60}) {
    status.people.resize(people, status.people[0]);
    for (int columns = 1; columns < 200; ++columns) {
      for (const bool colour : {false, true}) {
        const std::string line = LiveLine(status, columns, colour);
        EXPECT_EQ(line.find('\n'), std::string::npos);
        if (colour) continue;
        EXPECT_LE(Width(line), columns) << line;
        EXPECT_EQ(line.find('\x1b'), std::string::npos);
      }
    }
  }
}

TEST(LiveLine, AnOldNumberIsNotShownAsIfItWereNow) {
  AgentStatus status = One();
  status.people[0].data_age_ms = 12'000;
  status.people[0].device.link = DeviceStatus::Link::kLost;
  const std::string line = LiveLine(status, 119, false);
  EXPECT_EQ(line.find("64"), std::string::npos) << line;
  EXPECT_EQ(line.find("Ana -- bpm | strap lost | 12 s ago"), 0u) << line;
  status.connected = false;
  EXPECT_NE(LiveLine(status, 119, false).find("no server"), std::string::npos);
  status.people[0].device.contact = false;
  EXPECT_NE(LiveLine(status, 70, false).find("no contact"), std::string::npos);
  EXPECT_NE(LiveLine(status, 119, true).find("\033[33mno contact\033[0m"), std::string::npos);
}

TEST(LiveLine, AHubShowsTroubleFirst) {
  AgentStatus status = One();
  PersonStatus& ana = status.people[0];
  PersonStatus ben = ana, cleo = ana, dan = ana;
  ben.name = "Ben";
  ben.device.link = DeviceStatus::Link::kLost;
  ben.data_age_ms = 65'000;
  cleo.name = "Cleo";
  cleo.state = "refused";
  dan.name = "Dan";
  dan.bpm = 71;
  status.people = {ana, ben, cleo, dan};
  EXPECT_EQ(LiveLine(status, 119, false),
            "2 of 4 well | Ben strap lost | Cleo refused | Ana 64 | Dan 71 | 12 unsaved | "
            "clock 1.8 ms");
  EXPECT_EQ(LiveLine(status, 79, false),
            "2 of 4 well | Ben strap lost | Cleo refused | +2 | 12 unsaved | clock 1.8 ms");
  status.connected = false;
  EXPECT_EQ(LiveLine(status, 119, false).find("0 of 4 well | Ana no server"), 0u)
      << "nobody has met one yet";
  status.people[0].participant = 1;
  EXPECT_EQ(LiveLine(status, 119, false).find("0 of 4 well | no server | Ana no server"), 0u);
}

TEST(Rewrite, BlanksNothingAndFollowsANarrowerTerminal) {
  EXPECT_EQ(Rewrite(0, "abc", 80), "\rabc\033[K");
  EXPECT_EQ(Rewrite(70, "abc", 80), "\rabc\033[K");
  EXPECT_EQ(Rewrite(70, "abc", 60), "\r\033[1A\033[Jabc\033[K");
  EXPECT_EQ(Rewrite(120, "abc", 60), "\r\033[1A\033[Jabc\033[K");
  EXPECT_EQ(Rewrite(121, "abc", 60), "\r\033[2A\033[Jabc\033[K");
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t got = 0; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

TEST(StatusWriter, JsonHasEveryFieldAndLeavesOutWhatIsNotKnown) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  {
    StatusWriter writer(fds[1], /*json=*/true, /*quiet=*/false);
    AgentStatus status = One();
    status.session_us = 5;
    status.people[0].device.name = "H10 \"42\"";
    status.people[0].device.signal_dbm = -61;
    status.people[0].device.mode = "intervals";
    status.people[0].device.trouble = "none, really";
    writer.Status(status);
    PersonStatus bare;
    bare.name = "Ben";
    bare.state = "joining";
    status.people = {bare};
    status.clock_uncertainty_us.reset();
    writer.Status(status);
    writer.Note("a\tnote");
  }
  close(fds[1]);
  const std::string text = ReadAll(fds[0]);
  close(fds[0]);
  std::vector<google::protobuf::Struct> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text.substr(at, end - at),
                                                            &lines.emplace_back())
                    .ok());
    at = end + 1;
  }
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].fields().at("event").string_value(), "status");
  EXPECT_EQ(lines[0].fields().at("clock_uncertainty_us").number_value(), 1840);
  const auto person = [&](int line) {
    return lines[line].fields().at("people").list_value().values(0).struct_value().fields();
  };
  const auto full = person(0);
  EXPECT_EQ(full.at("data_age_ms").number_value(), 840);
  EXPECT_EQ(full.at("artefact_share").number_value(), 0.021);
  EXPECT_EQ(full.at("battery_percent").number_value(), 85);
  EXPECT_EQ(full.at("beats_waiting").number_value(), 3);
  EXPECT_EQ(full.at("bpm").number_value(), 63.7);
  EXPECT_TRUE(full.at("contact").bool_value());
  EXPECT_EQ(full.at("link").string_value(), "connected");
  EXPECT_EQ(full.at("device").string_value(), "H10 \"42\"");
  EXPECT_EQ(full.at("signal_dbm").number_value(), -61);
  EXPECT_EQ(full.at("mode").string_value(), "intervals");
  EXPECT_EQ(full.at("trouble").string_value(), "none, really");
  for (const char* name : {"data_age_ms", "artefact_share", "battery_percent", "contact", "link",
                           "device", "signal_dbm", "mode", "trouble", "why"}) {
    EXPECT_FALSE(person(1).contains(name)) << name;
  }
  EXPECT_FALSE(lines[1].fields().contains("clock_uncertainty_us"));
  EXPECT_EQ(lines[2].fields().at("text").string_value(), "a\tnote");
}

TEST(StatusWriter, SomebodyWhoDoesNotReadHoldsNothingUp) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  StatusWriter writer(fds[1], /*json=*/true, /*quiet=*/false);
  AgentStatus status = One();
  status.people.resize(50, status.people[0]);
  for (int i = 0; i < 100; ++i) writer.Status(status);  // about 2 MB; a pipe holds 64 KiB
  writer.Note("kept");
  EXPECT_EQ(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0) << "the shell's file is left as it was";
  std::string text;
  char buffer[65536];
  for (int i = 0; i < 100 && text.find("kept") == std::string::npos; ++i) {
    const ssize_t got = read(fds[0], buffer, sizeof(buffer));
    ASSERT_GT(got, 0);
    text.append(buffer, static_cast<size_t>(got));
    writer.Status(status);
  }
  EXPECT_NE(text.find("{\"event\":\"note\",\"text\":\"kept\"}\n"), std::string::npos);
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    EXPECT_EQ(text.compare(at, 10, "{\"event\":\""), 0) << "lines are whole or not there";
    EXPECT_EQ(text[end - 1], '}');
  }
  close(fds[0]);
  close(fds[1]);
}

// A terminal as far as these bytes need one: what is on its lines after them.
class Screen {
 public:
  explicit Screen(int columns) : columns_(columns) { rows_.emplace_back(); }
  void Write(const std::string& bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        ++row_;
        column_ = 0;
      } else if (c == '\033') {
        size_t end = bytes.find_first_of("ABCDJKm", i);
        const int count = std::max(1, std::atoi(bytes.substr(i + 2, end - i - 2).c_str()));
        if (bytes[end] == 'A') row_ -= std::min<size_t>(row_, static_cast<size_t>(count));
        if (bytes[end] == 'K' || bytes[end] == 'J') Row().resize(std::min(Row().size(), column_));
        if (bytes[end] == 'J') rows_.resize(row_ + 1);
        i = end;
      } else {
        if (column_ == static_cast<size_t>(columns_)) {
          ++row_;
          column_ = 0;
        }
        Row().resize(std::max(Row().size(), column_ + 1), ' ');
        Row()[column_++] = c;
      }
    }
  }
  std::vector<std::string> rows() const { return rows_; }

 private:
  std::string& Row() {
    if (rows_.size() <= row_) rows_.resize(row_ + 1);
    return rows_[row_];
  }
  const int columns_;
  std::vector<std::string> rows_;
  size_t row_ = 0, column_ = 0;
};

TEST(StatusWriter, OnATerminalNotesStandAboveTheLiveLine) {
  setenv("TERM", "xterm", 1);
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  ASSERT_GE(master, 0);
  ASSERT_EQ(grantpt(master), 0);
  ASSERT_EQ(unlockpt(master), 0);
  const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  ASSERT_GE(slave, 0);
  Screen screen(80);
  std::string all;
  {
    StatusWriter writer(slave, /*json=*/false, /*quiet=*/false);
    EXPECT_EQ(writer.columns(), 80);
    writer.Note("hello");
    AgentStatus status = One();
    writer.Status(status);
    writer.Status(status);
    writer.Note("something happened");
    status.people[0].bpm = 70;
    writer.Status(status);
    all = ReadAll(master);
    screen.Write(all);
    const auto rows = screen.rows();
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0], "hello");
    EXPECT_EQ(rows[1], "something happened");
    EXPECT_EQ(rows[2].find("Ana 70 bpm | 0.8 s ago"), 0u) << rows[2];
    EXPECT_LT(rows[2].size(), 80u);
    writer.Summary(status.people);
    screen.Write(ReadAll(master));
    EXPECT_EQ(screen.rows()[3].find("Ana: live"), 0u);
  }
  EXPECT_EQ(all.find("\033[J"), std::string::npos);
  size_t drawn = 0;
  for (size_t at = 0; (at = all.find("64 bpm", at)) != std::string::npos; ++at) ++drawn;
  EXPECT_EQ(drawn, 2u) << "a line that has not changed is written again only below a note";
  close(slave);
  close(master);
}

}  // namespace
}  // namespace attune::edge
