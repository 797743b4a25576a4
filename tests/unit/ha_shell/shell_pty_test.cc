#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/unit/ha_shell/served_node.h"

/// The program `hotpair` itself: at a terminal, and as a script.
namespace hotpair::ha::daemon {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServedNode;

constexpr auto kPatience = std::chrono::seconds(20);

// `hotpair` on a pseudo terminal of 24 lines.
class TerminalShell {
 public:
  explicit TerminalShell(const ServedNode& node) {
    winsize size{24, 80, 0, 0};
    const std::string socket = node.socket();
    child_ = ::forkpty(&master_, nullptr, nullptr, &size);
    if (child_ != 0) return;
    ::setenv("TERM", "xterm", 1);
    // libedit never frees the names of functions that are added to it.
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    ::execl(HOTPAIR_PROGRAM, "hotpair", "--control", socket.c_str(), nullptr);
    ::_exit(127);
  }
  ~TerminalShell() {
    if (child_ > 0 && !ended_) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(master_);
  }
  TerminalShell(const TerminalShell&) = delete;
  TerminalShell& operator=(const TerminalShell&) = delete;

  void type(const std::string& keys) {
    ASSERT_EQ(::write(master_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  /// What the terminal showed until `wanted` came; a failure if it does not come.
  std::string until(const std::string& wanted) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (seen_.find(wanted) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end || !more()) {
        ADD_FAILURE() << "'" << wanted << "' did not come, but: " << seen_;
        return std::exchange(seen_, {});
      }
    }
    const std::size_t at = seen_.find(wanted) + wanted.size();
    std::string shown = seen_.substr(0, at);
    seen_.erase(0, at);
    return shown;
  }
  int exit_code() {
    while (more()) {
    }
    int status = 0;
    ::waitpid(child_, &status, 0);
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Keys are signals again: the terminal is not in the editor's mode.
  void wait_until_the_editor_is_left() {
    termios mode{};
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (::tcgetattr(master_, &mode) == 0 && (mode.c_lflag & ISIG) == 0 &&
           std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
  }

 private:
  bool more() {
    pollfd waiting{master_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(kPatience / std::chrono::milliseconds(1))) <= 0)
      return false;
    char buffer[4096];
    const ssize_t got = ::read(master_, buffer, sizeof buffer);
    if (got <= 0) return false;  // EIO: the other side is closed
    seen_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  int master_ = -1;
  pid_t child_ = -1;
  bool ended_ = false;
  std::string seen_;
};

TEST(ShellOnATerminal, CompletionHelpAndHistory) {
  ServedNode node;
  TerminalShell shell(node);
  shell.until("<DeviceA> ");
  shell.type("sys\t\r");
  shell.until("[~DeviceA] ");
  shell.type("int\teth\t");  // a keyword, then the name of an interface that exists
  shell.until("Eth-Trunk1 ");
  shell.type("\r");
  shell.until("[~DeviceA-Eth-Trunk1] ");
  shell.type("igmp ?");
  EXPECT_THAT(shell.until("[~DeviceA-Eth-Trunk1] igmp "), HasSubstr("prompt-leave"));
  shell.type("version 2\r");
  shell.until("[*DeviceA-Eth-Trunk1] ");
  shell.type("\x1b[A\x1b[D\x1b[C\x7f\x31\r");  // the last line again, with 1 in place of 2
  shell.until("[*DeviceA-Eth-Trunk1] ");
  shell.type("display configuration diff\r");
  EXPECT_THAT(shell.until("[*DeviceA-Eth-Trunk1] "), HasSubstr("igmp version 1"));
}

TEST(ShellOnATerminal, AMarkUnderTheWrongWord) {
  ServedNode node;
  TerminalShell shell(node);
  shell.until("<DeviceA> ");
  shell.type("display alrm active\r");
  EXPECT_THAT(shell.until("did you mean 'alarm'?"), HasSubstr("\n                  ^\r\nError: "));
}

TEST(ShellOnATerminal, InterruptEndsTheCommandAndNotTheShell) {
  ServedNode node;
  TerminalShell shell(node);
  shell.until("<DeviceA> ");
  shell.type("display ver\x03");  // a line that is dropped
  shell.until("<DeviceA> ");
  shell.type("wait synced --timeout 3600\r");
  shell.until("3600");
  shell.until("\n");
  shell.wait_until_the_editor_is_left();
  shell.type("\x03");
  shell.until("interrupted");
  shell.until("<DeviceA> ");
  shell.type("display configuration commit list\r");
  shell.until("load seed003");
}

TEST(ShellOnATerminal, PagesStopAndGoOn) {
  ServedNode node;
  TerminalShell shell(node);
  shell.until("<DeviceA> ");
  shell.type("display current-configuration\r");
  const std::string first = shell.until("---- More ----");
  EXPECT_THAT(first, HasSubstr("sysname DeviceA"));
  EXPECT_LE(std::count(first.begin(), first.end(), '\n'), 24);
  shell.type(" ");
  shell.until("---- More ----");
  shell.type("q");
  shell.until("<DeviceA> ");
  shell.type("display current-configuration | count\r");
  shell.until("Total count: ");
  shell.type("screen-length 0 temporary\r");
  shell.until("temporary");
  shell.until("<DeviceA> ");
  shell.type("display current-configuration\r");
  EXPECT_THAT(shell.until("return\r\n<DeviceA> "), Not(HasSubstr("More")));
}

TEST(ShellOnATerminal, LeavingWithChangesWarns) {
  ServedNode node;
  TerminalShell shell(node);
  shell.until("<DeviceA> ");
  shell.type("system-view\r");
  shell.until("[~DeviceA] ");
  shell.type("sysname B\r");
  shell.until("[*B] ");
  shell.type("\x04");
  shell.until("Ctrl-D again drops them");
  shell.until("[*B] ");
  shell.type("commit\r");
  shell.until("[~B] ");
  EXPECT_EQ(node.sysname(), "B");
  shell.type("\x04");
  EXPECT_EQ(shell.exit_code(), 0);
}

// ---- scripts ----

struct Done {
  int exit_code = -1;
  std::string out;
  std::string error;
};

std::string contents(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

Done script(const ServedNode& node, const std::string& text, const std::string& words = {}) {
  const std::string in = node.directory() + "/in";
  std::ofstream(in) << text;
  const std::string out = node.directory() + "/out";
  const std::string error = node.directory() + "/error";
  const std::string command = std::string(HOTPAIR_PROGRAM) + " --control " + node.socket() + " " +
                              words + " <" + in + " >" + out + " 2>" + error;
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), contents(out), contents(error)};
}

TEST(ShellAsAScript, RunsToItsEnd) {
  ServedNode node;
  const Done done = script(node,
                           "system-view\n# a comment\nsysname B\ncommit label night\nreturn\n"
                           "display configuration commit list | include night\n");
  EXPECT_EQ(done.exit_code, 0) << done.error;
  EXPECT_THAT(done.out, ContainsRegex("^0 +2 .*night +commit\n$"));
  EXPECT_EQ(done.error, "");
  EXPECT_EQ(node.sysname(), "B");
}

TEST(ShellAsAScript, StopsAtItsFirstError) {
  ServedNode node;
  const Done done = script(node, "system-view\nsysname B\n  sysnmae C\ncommit\n");
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.error, HasSubstr("hotpair: line 3, column 3: 'sysnmae' is not understood here"));
  EXPECT_THAT(done.error, HasSubstr("\n    sysnmae C\n    ^\n"));
  EXPECT_EQ(node.sysname(), "DeviceA");
}

TEST(ShellAsAScript, ForgottenCommitIsAnError) {
  ServedNode node;
  const Done done = script(node, "system-view\nsysname B\n");
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.error, HasSubstr("not committed"));
}

TEST(ShellAsAScript, LinesOfTheCommandLineAreOneScript) {
  ServedNode node;
  EXPECT_EQ(script(node, "", "-c system-view -c 'sysname C' -c commit").exit_code, 0);
  EXPECT_EQ(node.sysname(), "C");
  EXPECT_EQ(script(node, "", "-c nonsense -c 'sysname D'").exit_code, 1);
  const Done one = script(node, "", "display configuration commit list '|' count");
  EXPECT_EQ(one.out, "Total count: 3\n");
  const Done json = script(node, "", "--json -c 'display configuration commit list'");
  EXPECT_THAT(json.out, HasSubstr("\"commits\""));
}

TEST(ShellAsAScript, WithoutADaemon) {
  Done done;
  {
    ServedNode node;
    done = script(node, "display version\n", "--control " + node.directory() + "/nobody");
  }
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.error, HasSubstr("no daemon answers"));
}

}  // namespace
}  // namespace hotpair::ha::daemon
