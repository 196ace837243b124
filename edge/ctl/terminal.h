// The terminal as a canvas: entered, drawn on in place, given back as it was.
#ifndef ATTUNE_EDGE_CTL_TERMINAL_H_
#define ATTUNE_EDGE_CTL_TERMINAL_H_

#include <termios.h>

#include <string>
#include <utility>
#include <vector>

namespace attune::edge {

// Bytes that turn a screen that shows `before` into one that shows `after`: only lines that differ
// are written, each once, between the marks of a synchronized update (terminals that do not know
// those ignore them). Lines may hold
// escape sequences for colour. `whole`: nothing is known of what the screen shows.
std::string Redraw(const std::vector<std::string>& before, const std::vector<std::string>& after,
                   int columns, bool whole);

// Not thread-safe. Leaves in the destructor at the latest.
class Terminal {
 public:
  // `in` may be no terminal: then no keys are read. Nothing is closed.
  Terminal(int in, int out) : in_(in), out_(out) {}
  ~Terminal() { Leave(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // The alternate screen without a cursor; keys come one by one without echo.
  void Enter();
  void Leave();
  // {columns, rows}; 80x24 when the terminal does not tell.
  std::pair<int, int> Size() const;
  void Draw(const std::vector<std::string>& lines, int columns);
  // After a resize or a stop: the next drawing is whole.
  void Forget() { whole_ = true; }

 private:
  void Write(const std::string& bytes) const;

  int in_;
  int out_;
  bool entered_ = false;
  bool whole_ = true;
  bool has_keys_ = false;
  termios before_{};
  std::vector<std::string> shown_;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_CTL_TERMINAL_H_
