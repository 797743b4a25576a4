#include "ha/config/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/config/config_rows.h"
#include "ha/config/grammar_syntax.h"

namespace hotpair::ha::config {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr RowSyntax kRows[] = {
    {0, "display version", "Version"},
    {0, "display igmp group [ group:IPV4 ] [ interface name:INTERFACE ] [ verbose ]", "Groups"},
    {0, "display igmp interface", "Interfaces"},
    {0, "wait what:{ready|synced|master} [ --timeout seconds:1-3600 ]", "Wait"},
    {0, "apply file:STRING", "Apply"},
    {1, "other view", "Other"},
};

std::vector<std::string> shown_of(const std::vector<Candidate>& candidates) {
  std::vector<std::string> list;
  for (const Candidate& each : candidates) list.push_back(each.shown);
  return list;
}

TEST(Grammar, OptionalPartsInOrder) {
  const Grammar grammar(kRows);
  const auto whole = grammar.match(0, split_words("dis ig gr 225.1.1.1 int Eth-Trunk 1 verb"));
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->row, 1U);
  EXPECT_EQ(whole->values.address("group").to_string(), "225.1.1.1");
  EXPECT_EQ(whole->values.get<InterfaceName>("name").name, "Eth-Trunk1");
  EXPECT_EQ(whole->text, "display igmp group 225.1.1.1 interface Eth-Trunk1 verbose");
  const auto bare = grammar.match(0, split_words("display igmp group"));
  ASSERT_TRUE(bare.has_value());
  EXPECT_FALSE(bare->values.has("group"));
}

TEST(Grammar, CandidatesForHelp) {
  const Grammar grammar(kRows);
  EXPECT_THAT(shown_of(grammar.candidates(0, {}, false)), ElementsAre("apply", "display", "wait"));
  EXPECT_THAT(shown_of(grammar.candidates(0, split_words("d"), true)), ElementsAre("display"));
  EXPECT_THAT(shown_of(grammar.candidates(0, split_words("display igmp group"), false)),
              ElementsAre("<cr>", "X.X.X.X", "interface", "verbose"));
  EXPECT_THAT(shown_of(grammar.candidates(0, split_words("wait "), false)),
              ElementsAre("master", "ready", "synced"));
  EXPECT_TRUE(grammar.candidates(0, split_words("nonsense"), false).empty());
}

TEST(Grammar, AnAbbreviationOfTwoWordsIsAmbiguousAlsoBeforeTheEnd) {
  constexpr RowSyntax kTwo[] = {
      {0, "display mld group", "Groups"},
      {0, "display multicast ipv6 routes", "Routes"},
      {0, "display version", "Version"},
  };
  const Grammar grammar(kTwo);
  const auto found = grammar.match(0, split_words("display m"));
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().word, 1U);
  EXPECT_EQ(found.error().message, "'m' is ambiguous");
  EXPECT_EQ(found.error().expected, "one of: mld, multicast");
  EXPECT_TRUE(grammar.match(0, split_words("display m g")).has_value());  // only one goes on so
}

TEST(Grammar, CandidatesTellWhatSeveralRowsShare) {
  const Grammar grammar(kRows);
  const auto first = grammar.candidates(0, {}, false);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[1].name, "display");
  EXPECT_TRUE(first[1].shared);
  EXPECT_FALSE(first[0].shared);
  const auto file = grammar.candidates(0, split_words("apply"), false);
  ASSERT_EQ(file.size(), 1U);
  EXPECT_EQ(file[0].name, "file");
  EXPECT_FALSE(file[0].keyword);
}

TEST(Grammar, AWrongValueIsToldFromAWrongWord) {
  const Grammar grammar(kRows);
  EXPECT_TRUE(grammar.match(0, split_words("wait ready --timeout 0")).error().at_home);
  EXPECT_FALSE(grammar.match(0, split_words("display igmp grupo")).error().at_home);
}

TEST(Grammar, ErrorsNameTheWord) {
  const Grammar grammar(kRows);
  const auto typo = grammar.match(0, split_words("display igmp grupo"));
  ASSERT_FALSE(typo.has_value());
  EXPECT_EQ(typo.error().word, 2U);
  EXPECT_EQ(typo.error().nearest, "group");
  const auto number = grammar.match(0, split_words("wait ready --timeout 0"));
  ASSERT_FALSE(number.has_value());
  EXPECT_THAT(number.error().message, HasSubstr("out of range"));
  EXPECT_EQ(number.error().expected, "<1-3600>");
  const auto more = grammar.match(0, split_words("display version now"));
  ASSERT_FALSE(more.has_value());
  EXPECT_EQ(more.error().expected, "the end of the line");
  EXPECT_FALSE(grammar.match(0, {}).has_value());
  EXPECT_FALSE(grammar.match(0, split_words("other view")).has_value());
}

TEST(Grammar, AListTakesWordsWithASlash) {
  const RowSyntax rows[] = {{0, "allow list:PREFIXES4 [ from number:1-9 ]", "some"}};
  const Grammar grammar(rows);
  const auto two = grammar.match(0, split_words("allow 10.0.0.0/8 11.0.0.0/8 from 3"));
  ASSERT_TRUE(two.has_value());
  EXPECT_THAT(two->values.prefixes("list"), ::testing::SizeIs(2));
  EXPECT_EQ(two->values.number("number"), 3U);
  EXPECT_EQ(two->text, "allow 10.0.0.0/8 11.0.0.0/8 from 3");
  EXPECT_TRUE(two->values.prefixes("other").empty());
  const auto wrong = grammar.match(0, split_words("allow 10.0.0.0/8 ff00::/8"));
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().word, 2U);
  EXPECT_EQ(wrong.error().message, "'ff00::/8' is not X.X.X.X/L");
  EXPECT_FALSE(grammar.match(0, split_words("allow from 3")).has_value());
  EXPECT_TRUE(grammar.match(0, split_words("allow"), true).has_value());
}

TEST(Grammar, EditDistance) {
  EXPECT_EQ(edit_distance("group", "group", 9), 0U);
  EXPECT_EQ(edit_distance("gruop", "group", 9), 1U);
  EXPECT_EQ(edit_distance("", "abc", 9), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 9), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 2U);
}

TEST(Grammar, EveryConfigurationRowCompilesAndHasHelp) {
  static_cast<void>(config_grammar());
  for (const ConfigRow& row : config_rows()) {
    EXPECT_FALSE(row.help.empty()) << row.syntax;
    const bool kept = row.kind != RowKind::active;
    EXPECT_EQ(row.apply == nullptr, kept) << row.syntax;
    EXPECT_FALSE(plain_syntax(row.syntax).empty());
  }
}

}  // namespace
}  // namespace hotpair::ha::config
