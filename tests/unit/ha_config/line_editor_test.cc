#include "ha/config/line_editor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ha/config/printer.h"
#include "tests/unit/ha_config/config_text.h"
#include "tests/unit/ha_config/random_config.h"

namespace hotpair::ha::config {
namespace {

Diagnostics type(LineEditor& editor, const std::string& line) {
  return editor.line(split_words(line), {}, LineEditor::Follow::to_system_view);
}

TEST(LineEditorTest, LinesChangeTheConfigurationInTheirView) {
  LineEditor editor{Config{}};
  EXPECT_TRUE(type(editor, "sysname DeviceA").empty());
  EXPECT_TRUE(type(editor, "e-trunk 1").empty());
  EXPECT_EQ(editor.path(), "e-trunk 1");
  EXPECT_TRUE(type(editor, "priority 7").empty());
  EXPECT_TRUE(type(editor, "interface Eth-Trunk 1").empty());  // of the system view
  EXPECT_EQ(editor.path(), "interface Eth-Trunk1");
  EXPECT_TRUE(type(editor, "undo e-trunk").empty());  // this view's own row comes first
  EXPECT_NE(editor.config().find_etrunk(1), nullptr);
  editor.leave();
  EXPECT_TRUE(type(editor, "undo e-trunk 1").empty());
  EXPECT_EQ(editor.config().find_etrunk(1), nullptr);
}

TEST(LineEditorTest, MistakesHaveAPlace) {
  LineEditor editor{Config{}};
  const Diagnostics wrong = type(editor, "  sysnmae DeviceA");
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_EQ(wrong[0].column, 3U);
  EXPECT_EQ(wrong[0].word, "sysnmae");
  EXPECT_EQ(wrong[0].nearest, "sysname");
  EXPECT_EQ(type(editor, "undo sysnmae")[0].column, 6U);
  EXPECT_EQ(type(editor, "e-trunk")[0].column, 8U);
}

TEST(LineEditorTest, SectionsAreKeptLineByLine) {
  LineEditor editor{Config{}};
  EXPECT_TRUE(type(editor, "ospf 1").empty());
  ASSERT_TRUE(editor.in_section());
  EXPECT_EQ(editor.section(), "ospf 1");
  editor.keep(" area 0");
  editor.close_section();
  EXPECT_TRUE(type(editor, "isis 1").empty());
  editor.sort_kept();
  EXPECT_EQ(editor.section(), "isis 1");
  editor.close_section();
  const std::string text = print_config(editor.config());
  EXPECT_THAT(text, ::testing::HasSubstr("ospf 1\n area 0\n"));
  EXPECT_EQ(parse_config(text, "again").config, editor.take());
}

TEST(LineEditorTest, RebaseKeepsTheViewThatExists) {
  LineEditor editor{Config{}};
  static_cast<void>(type(editor, "interface Eth-Trunk1"));
  const Config with = editor.config();
  editor.rebase(with);
  EXPECT_EQ(editor.path(), "interface Eth-Trunk1");
  editor.rebase(Config{});
  EXPECT_EQ(editor.path(), "");
}

// Typed line by line a text gives what it gives as a file; a refused line changes nothing.
TEST(LineEditorTest, TypedOrReadIsTheSame) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    const std::string text = testing::Writer(seed).text();
    LineEditor editor{Config{}};
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      if (editor.in_section() && line.starts_with(' ')) {
        editor.keep(line);
        continue;
      }
      editor.close_section();
      if (line == "#" || line == " #") {
        if (line == "#") editor.leave();
        continue;
      }
      if (!line.starts_with(' ')) editor.leave();
      const Config before = editor.config();
      const Diagnostics found = editor.line(split_words(line), {}, LineEditor::Follow::stay);
      if (has_errors(found)) {
        ASSERT_EQ(editor.config(), before) << "seed " << seed << ": " << line;
      }
    }
    ASSERT_EQ(editor.take(), testing::random_config(seed)) << "seed " << seed << "\n" << text;
  }
}

}  // namespace
}  // namespace hotpair::ha::config
