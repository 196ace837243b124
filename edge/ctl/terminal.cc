#include "edge/ctl/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "edge/words/text.h"

namespace attune::edge {
namespace {

constexpr int kColumnsOtherwise = 80;
constexpr int kRowsOtherwise = 24;

std::string WithoutEscapes(const std::string& line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      i = std::min(line.find('m', i), line.size());
    } else {
      out += line[i];
    }
  }
  return out;
}

}  // namespace

std::string Redraw(const std::vector<std::string>& before, const std::vector<std::string>& after,
                   int columns, bool whole) {
  std::string out;
  for (size_t i = 0; i < after.size(); ++i) {
    if (!whole && i < before.size() && before[i] == after[i]) continue;
    // After a line that is full the cursor is on its last character: erasing would take that.
    const bool full = Width(WithoutEscapes(after[i])) >= columns;
    absl::StrAppend(&out, "\x1b[", i + 1, ";1H", after[i], full ? "" : "\x1b[K");
  }
  // Below what is left of a longer picture. (Not after a whole one: on a full screen there is no
  // line below, and the last one would go.)
  if (!whole && before.size() > after.size()) {
    absl::StrAppend(&out, "\x1b[", after.size() + 1, ";1H\x1b[J");
  }
  if (whole) out = "\x1b[H\x1b[J" + out;
  if (out.empty()) return out;
  return absl::StrCat("\x1b[?2026h", out, "\x1b[?2026l");
}

void Terminal::Enter() {
  if (entered_) return;
  has_keys_ = isatty(in_) == 1 && tcgetattr(in_, &before_) == 0;
  if (has_keys_) {
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    tcsetattr(in_, TCSANOW, &keys);
  }
  // No wrapping: a character that is wider than we think must not push the lines below down.
  Write("\x1b[?1049h\x1b[?25l\x1b[?7l");
  entered_ = true;
  whole_ = true;
}

void Terminal::Leave() {
  if (!entered_) return;
  Write("\x1b[?7h\x1b[?25h\x1b[?1049l");
  if (has_keys_) tcsetattr(in_, TCSANOW, &before_);
  entered_ = false;
}

std::pair<int, int> Terminal::Size() const {
  winsize size{};
  if (ioctl(out_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {kColumnsOtherwise, kRowsOtherwise};
  }
  return {size.ws_col, size.ws_row};
}

void Terminal::Draw(const std::vector<std::string>& lines, int columns) {
  const std::string bytes = Redraw(shown_, lines, columns, whole_);
  whole_ = false;
  shown_ = lines;
  if (!bytes.empty()) Write(bytes);
}

void Terminal::Write(const std::string& bytes) const {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = write(out_, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    written += static_cast<size_t>(count);
  }
}

}  // namespace attune::edge
