#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/unit/ha_cli/shell_fixture.h"

/// tests/golden/shell: what is typed (`.session`) and what the terminal then shows (`.txt`), to the
/// letter. RECORD=1 writes the latter anew. Lines that begin with @ are for the test: `@config
/// FILE` what runs at first, `@user NAME` who types, `@wait SECONDS`, `@tab TEXT`, `@help TEXT`.
namespace hotpair::ha::cli {
namespace {

using testing::golden;
using testing::Operator;
using testing::ShellWorld;

class Transcript {
 public:
  std::string play(const std::string& session) {
    std::istringstream in(session);
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with('@'))
        direct(line.substr(1, line.find(' ') - 1), line.substr(line.find(' ') + 1));
      else
        text_ += person().type(line);
    }
    return text_;
  }

 private:
  ShellWorld& world() {
    if (!world_) world_ = std::make_unique<ShellWorld>();
    return *world_;
  }
  Operator& person() {
    auto& found = people_[user_];
    if (!found) found = std::make_unique<Operator>(world(), people_.size(), user_);
    return *found;
  }
  void direct(const std::string& what, const std::string& with) {
    if (what == "config") {
      world_ = std::make_unique<ShellWorld>(golden(with));
    } else if (what == "user") {
      user_ = with;
      text_ += "---- " + with + " ----\n";
    } else if (what == "wait") {
      int seconds = 0;
      std::from_chars(with.data(), with.data() + with.size(), seconds);
      for (int i = 0; i < seconds; ++i) world().advance(std::chrono::seconds(1));
      text_ += "---- " + with + " s later ----\n";
    } else if (what == "help") {
      text_ += person().prompt() + " " + with + "?\n";
      const Response response = person().ask(SessionVerb::help, with);
      text_ += response.error ? response.error->detail + "\n" : response.text;
    } else if (what == "tab") {
      text_ += person().prompt() + " " + with + "<Tab>\n";
      const Response response = person().ask(SessionVerb::complete, with);
      for (const Completion& each : response.completion->completions)
        text_ += "  " + each.word + (each.insert ? "\n" : " (a value)\n");
    } else {
      text_ += "no such direction: " + what + "\n";
    }
  }

  std::unique_ptr<ShellWorld> world_;
  std::map<std::string, std::unique_ptr<Operator>> people_;
  std::string user_ = "anna";
  std::string text_;
};

TEST(Transcripts, AreToTheLetter) {
  const std::filesystem::path folder =
      std::filesystem::path(HOTPAIR_SOURCE_DIR) / "tests" / "golden" / "shell";
  std::size_t played = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    if (each.path().extension() != ".session") continue;
    const std::string name = "shell/" + each.path().stem().string();
    const std::string shown = Transcript().play(golden(name + ".session"));
    const auto file = each.path().parent_path() / (each.path().stem().string() + ".txt");
    if (std::getenv("RECORD") != nullptr) std::ofstream(file) << shown;
    EXPECT_EQ(shown, golden(name + ".txt")) << name;
    ++played;
  }
  EXPECT_GE(played, 8U);
}

}  // namespace
}  // namespace hotpair::ha::cli
