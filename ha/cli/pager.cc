#include "ha/cli/pager.h"

#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

namespace hotpair::ha::cli {
namespace {

constexpr std::string_view kMore = "  ---- More ----";
constexpr char kCtrlC = 3;
constexpr char kCtrlD = 4;

// The terminal gives keys one by one, unseen, and Ctrl-C as a key.
class KeyMode {
 public:
  KeyMode() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    changed_ = true;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    static_cast<void>(::tcsetattr(STDIN_FILENO, TCSADRAIN, &now));
  }
  ~KeyMode() {
    if (changed_) static_cast<void>(::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_));
  }
  KeyMode(const KeyMode&) = delete;
  KeyMode& operator=(const KeyMode&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace

Pager::Key Pager::ask() {
  std::cout << kMore << std::flush;
  char key = 'q';
  {
    const KeyMode mode;
    ssize_t got = 0;
    do got = ::read(STDIN_FILENO, &key, 1);
    while (got < 0 && errno == EINTR);
    if (got <= 0) key = 'q';
  }
  std::cout << '\r' << std::string(kMore.size(), ' ') << '\r' << std::flush;
  if (key == 'q' || key == 'Q' || key == kCtrlC || key == kCtrlD) return Key::stop;
  return key == '\r' || key == '\n' ? Key::line : Key::page;
}

bool Pager::write(std::string_view text) {
  if (lines_ == 0) {
    std::cout << text << std::flush;
    return true;
  }
  for (const char each : text) {
    if (stopped_) return false;
    if (column_ == 0 && shown_ + 1 >= lines_) {
      const Key key = ask();
      stopped_ = key == Key::stop;
      if (stopped_) return false;
      shown_ = key == Key::line ? lines_ - 2 : 0;
    }
    std::cout << each;
    // Continuation bytes of UTF-8 take no column.
    if ((static_cast<unsigned char>(each) & 0xc0U) != 0x80U) ++column_;
    if (each == '\n' || (columns_ != 0 && column_ > columns_)) {
      ++shown_;
      column_ = each == '\n' ? 0 : 1;
    }
  }
  std::cout << std::flush;
  return true;
}

}  // namespace hotpair::ha::cli
