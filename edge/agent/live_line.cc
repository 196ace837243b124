#include "edge/agent/live_line.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

constexpr char kBetween[] = " | ";
constexpr int kLongestName = 16;

// One thing to show: in full, or short. What has the largest `rank` goes first.
struct Piece {
  std::string full;
  std::string brief;
  int rank = 0;
  bool trouble = false;
};

bool Fresh(const PersonStatus& person) {
  return person.data_age_ms && *person.data_age_ms <= kStaleMs && person.bpm > 0;
}

std::string Bpm(const PersonStatus& person) {
  return Fresh(person) ? absl::StrCat(std::lround(person.bpm)) : "--";
}

std::string Age(int64_t ms) {
  if (ms < 0) ms = 0;
  char text[32];
  if (ms < 10'000) {
    std::snprintf(text, sizeof(text), "%.1f s", static_cast<double>(ms) / 1000);
    return text;
  }
  if (ms < 120'000) return absl::StrCat(ms / 1000, " s");
  if (ms < 7'200'000) return absl::StrCat(ms / 60'000, " min");
  return absl::StrCat(ms / 3'600'000, " h");
}

// What is wrong with the strap, in a word or two; empty: nothing, or there is none.
std::string StrapWords(const DeviceStatus& device) {
  switch (device.link) {
    case DeviceStatus::Link::kSearching:
      return "looking for the strap";
    case DeviceStatus::Link::kConnecting:
      return "connecting the strap";
    case DeviceStatus::Link::kLost:
      return "strap lost";
    default:
      return "";
  }
}

// Likewise of the way to the session.
std::string StateWords(const PersonStatus& person, bool connected) {
  if (person.state == "joining" || person.state == "failed" || person.state == "over") {
    return person.state == "over" ? "session over" : person.state;
  }
  if (!connected) return "no server";
  return person.state == "needs_token" ? "token expired" : person.state;
}

bool Well(const PersonStatus& person, bool connected) {
  return connected && person.state == "live" && Fresh(person) && !person.disk_trouble &&
         person.device.contact.value_or(true);
}

std::string Clock(const AgentStatus& status) {
  if (!status.clock_uncertainty_us) return "";
  const double ms = static_cast<double>(*status.clock_uncertainty_us) / 1000;
  if (ms >= 1000) return absl::StrCat(std::lround(ms / 1000), " s");
  if (ms >= 9.95) return absl::StrCat(std::lround(ms), " ms");
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f ms", ms);
  return text;
}

int WidthOf(const std::vector<Piece>& pieces, bool brief) {
  int width = 0;
  for (const Piece& piece : pieces) {
    width += Width(brief ? piece.brief : piece.full) + (width > 0 ? 3 : 0);
  }
  return width;
}

std::string Join(const std::vector<Piece>& pieces, bool brief, int columns, bool colour) {
  std::string line;
  int left = columns;
  for (const Piece& piece : pieces) {
    if (!line.empty()) {
      line += kBetween;
      left -= 3;
    }
    const std::string text = Cut(brief ? piece.brief : piece.full, std::max(0, left));
    left -= Width(text);
    absl::StrAppend(&line, colour && piece.trouble ? "\033[33m" : "", text,
                    colour && piece.trouble ? "\033[0m" : "");
    if (left <= 3) break;
  }
  return line;
}

// Drops what is least needed until it fits.
std::string Fit(std::vector<Piece> pieces, int columns, bool colour) {
  if (WidthOf(pieces, false) <= columns) return Join(pieces, false, columns, colour);
  while (pieces.size() > 1 && WidthOf(pieces, true) > columns) {
    pieces.erase(std::max_element(pieces.begin(), pieces.end(),
                                  [](const Piece& a, const Piece& b) { return a.rank < b.rank; }));
  }
  return Join(pieces, true, columns, colour);
}

void AddWaiting(uint64_t waiting, std::vector<Piece>& pieces) {
  const std::string text = waiting == 0 ? "all saved" : absl::StrCat(waiting, " unsaved");
  pieces.push_back({text, text, 5, false});
}

std::string OfOne(const AgentStatus& status, int columns, bool colour) {
  const PersonStatus& person = status.people.front();
  const DeviceStatus& device = person.device;
  std::vector<Piece> pieces;
  const std::string name = Cut(Harmless(person.name), kLongestName);
  pieces.push_back({absl::StrCat(name, " ", Bpm(person), " bpm"),
                    absl::StrCat(Cut(name, 10), " ", Bpm(person), " bpm"), 0, false});
  if (const std::string strap = StrapWords(device); !strap.empty()) {
    pieces.push_back({strap, strap, 1, true});
  }
  if (person.data_age_ms) {
    const std::string age = Age(*person.data_age_ms) + " ago";
    pieces.push_back({age, age, 3, *person.data_age_ms > kStaleMs});
  }
  if (person.artefact_share) {
    const long percent = std::lround(*person.artefact_share * 100);
    pieces.push_back({absl::StrCat(percent, " % artefacts"), absl::StrCat(percent, "% art."), 4,
                      *person.artefact_share > 0.05});
  }
  if (device.battery_percent) {
    const std::string percent = absl::StrCat(*device.battery_percent);
    pieces.push_back(
        {"battery " + percent + " %", "bat. " + percent + "%", 7, *device.battery_percent <= 10});
  }
  if (device.contact) {
    const std::string contact = *device.contact ? "on skin" : "no contact";
    pieces.push_back({contact, contact, *device.contact ? 6 : 1, !*device.contact});
  }
  if (!person.own_words.empty()) {
    const std::string own = Harmless(person.own_words);
    pieces.push_back({own, own, 9, false});
  }
  const std::string state = StateWords(person, status.connected);
  pieces.push_back({state, state, 2, state != "live"});
  if (person.disk_trouble) pieces.push_back({"disk trouble", "disk trouble", 2, true});
  AddWaiting(person.beats_waiting, pieces);
  if (const std::string clock = Clock(status); !clock.empty()) {
    pieces.push_back({"clock " + clock, "clock " + clock, 8, false});
  }
  return Fit(std::move(pieces), columns, colour);
}

// In a word: what a hub's keeper wants to know of somebody.
std::string OneOfMany(const PersonStatus& person, bool connected) {
  const std::string name = Cut(Harmless(person.name), 10);
  if (Well(person, connected)) return absl::StrCat(name, " ", Bpm(person));
  std::string why;
  if (person.device.link == DeviceStatus::Link::kLost) {
    why = "strap lost";
  } else if (person.device.link == DeviceStatus::Link::kSearching ||
             person.device.link == DeviceStatus::Link::kConnecting) {
    why = "no strap yet";
  } else if (!person.device.contact.value_or(true)) {
    why = "no contact";
  } else if (person.disk_trouble) {
    why = "disk trouble";
  } else if (connected && person.state == "live") {
    why = person.data_age_ms ? "silent " + Age(*person.data_age_ms) : "no beats yet";
  } else {
    why = StateWords(person, connected);
  }
  return absl::StrCat(name, " ", why);
}

std::string OfMany(const AgentStatus& status, int columns, bool colour) {
  std::vector<const PersonStatus*> order;
  uint64_t waiting = 0;
  for (const PersonStatus& person : status.people) {
    order.push_back(&person);
    waiting += person.beats_waiting;
  }
  const auto well = [&](const PersonStatus* person) { return Well(*person, status.connected); };
  const auto live = std::count_if(order.begin(), order.end(), well);
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
    return well(a) < well(b);  // trouble first
  });
  std::vector<Piece> pieces;
  const std::string head = absl::StrCat(live, " of ", order.size(), " well");
  pieces.push_back({head, head, 0, live != static_cast<long>(order.size())});
  const bool any_joined =
      std::any_of(order.begin(), order.end(), [](const auto* p) { return p->participant != 0; });
  if (!status.connected && any_joined) pieces.push_back({"no server", "no server", 1, true});
  std::vector<Piece> tail;
  AddWaiting(waiting, tail);
  if (const std::string clock = Clock(status); !clock.empty()) {
    tail.push_back({"clock " + clock, "clock " + clock, 8, false});
  }
  // As many people as leave room for the tail.
  int left = columns - WidthOf(pieces, false) - WidthOf(tail, false) - 3;
  size_t shown = 0;
  for (; shown < order.size(); ++shown) {
    const std::string text = OneOfMany(*order[shown], status.connected);
    const std::string more = absl::StrCat("+", order.size() - shown - 1);
    const bool last = shown + 1 == order.size();
    if (Width(text) + 3 + (last ? 0 : Width(more) + 3) > left) break;
    left -= Width(text) + 3;
    pieces.push_back({text, text, 2, !well(order[shown])});
  }
  if (shown < order.size()) {
    const std::string more = absl::StrCat("+", order.size() - shown);
    pieces.push_back({more, more, 3, false});
  }
  for (Piece& piece : tail) pieces.push_back(std::move(piece));
  return Fit(std::move(pieces), columns, colour);
}

}  // namespace

std::string LiveLine(const AgentStatus& status, int columns, bool colour) {
  if (status.people.empty() || columns <= 0) return "";
  return status.people.size() == 1 ? OfOne(status, columns, colour)
                                   : OfMany(status, columns, colour);
}

std::string Rewrite(int before, const std::string& line, int columns) {
  std::string bytes = "\r";
  if (before > columns && columns > 0) {
    absl::StrAppend(&bytes, "\033[", (before - 1) / columns, "A\033[J");
  }
  return absl::StrCat(bytes, line, "\033[K");
}

}  // namespace attune::edge
