#include "ha/cli/json.h"

#include <gtest/gtest.h>

namespace hotpair::ha::cli {
namespace {

TEST(JsonValue, WritesInOrderAndEscapes) {
  Json list = Json::array();
  list.push(1).push(-2).push(true).push(Json()).push("a\"b\\\n\x01");
  Json object = Json::object();
  object.set("z", std::move(list)).set("a", std::optional<std::string>());
  EXPECT_EQ(object.dump(), "{\"z\":[1,-2,true,null,\"a\\\"b\\\\\\n\\u0001\"],\"a\":null}");
  EXPECT_EQ(Json::object().dump(2), "{}");
  Json small = Json::object();
  small.set("k", Json::array().push(1));
  EXPECT_EQ(small.dump(2), "{\n  \"k\": [\n    1\n  ]\n}");
}

TEST(JsonValue, BytesThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(Json("ä\xff"
                 "b")
                .dump(),
            "\"ä\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(Json("\xc3").dump(), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(Json("\xed\xa0\x80").dump(),
            "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  EXPECT_EQ(Json("\xf0\x9f\x90\x9f").dump(), "\"\xf0\x9f\x90\x9f\"");
}

TEST(JsonValue, ParsesWhatItWrites) {
  const std::string text = "{\"a\":[1,-2,true,null,\"x\"],\"b\":{\"c\":18446744073709551615}}";
  const auto parsed = Json::parse(text, 8);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->dump(), text);
  EXPECT_EQ(parsed->find("b")->find("c")->number(), ~std::uint64_t{0});
  EXPECT_EQ(parsed->find("a")->elements()->size(), 5U);
  EXPECT_EQ(parsed->find("nothing"), nullptr);
}

TEST(JsonValue, RefusesBadText) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "nul", "1 2", "\"\xff\"", "{a:1}"})
    EXPECT_FALSE(Json::parse(text, 8).has_value()) << text;
}

TEST(JsonValue, DepthIsBounded) {
  EXPECT_TRUE(Json::parse("[[[]]]", 3).has_value());
  EXPECT_FALSE(Json::parse("[[[[]]]]", 3).has_value());
  EXPECT_FALSE(Json::parse(std::string(100'000, '['), 8).has_value());
}

}  // namespace
}  // namespace hotpair::ha::cli
