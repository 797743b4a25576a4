#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ha/cli/control_protocol.h"
#include "ha/cli/interpreter.h"

namespace hotpair::ha::cli {
namespace {

using ::testing::HasSubstr;

std::string body(const std::string& frame) { return frame.substr(4); }

TEST(Protocol, RequestOnTheWire) {
  Request request;
  request.argv = {"display", "version"};
  request.json = true;
  request.user = "ops";
  const std::string frame = encode_frame(request);
  EXPECT_EQ(frame.substr(0, 4), std::string("\0\0\0\x4e", 4));
  EXPECT_EQ(body(frame),
            "{\"version\":1,\"argv\":[\"display\",\"version\"],\"json\":true,\"width\":80,"
            "\"user\":\"ops\"}");
  EXPECT_EQ(*decode_request(body(frame)), request);
  request.input = InputFile{"a.conf", "line\n\"x\"\n"};
  EXPECT_EQ(*decode_request(body(encode_frame(request))), request);
}

TEST(Protocol, SessionRequestOnTheWire) {
  Request request;
  request.version = kSessionVersion;
  request.verb = SessionVerb::line;
  request.line = "interface  Eth-Trunk 1";
  request.terminal = true;
  EXPECT_EQ(body(encode_frame(request)),
            "{\"version\":2,\"session\":\"line\",\"text\":\"interface  Eth-Trunk 1\","
            "\"terminal\":true,\"json\":false,\"width\":80,\"user\":\"\"}");
  for (const auto verb : {SessionVerb::open, SessionVerb::line, SessionVerb::complete,
                          SessionVerb::help, SessionVerb::cancel, SessionVerb::close}) {
    request.verb = verb;
    EXPECT_EQ(*decode_request(body(encode_frame(request))), request);
  }
}

TEST(Protocol, TheAnswerToALineInOrder) {
  Response response;
  response.text = "text\n";
  response.error = Error{ErrorCode::malformed, "no"};
  response.column = 4;
  response.completion = CompletionChunk{3, {{"display", "Show", true}, {"<1-5>", "", false}}};
  response.session = SessionChunk{"[~A]", true, false, 24};
  std::vector<Chunk> chunks;
  for (const std::string& frame : encode_response(response))
    chunks.push_back(*decode_chunk(body(frame)));
  EXPECT_THAT(chunks, ::testing::ElementsAre(Chunk(TextChunk{"text\n"}),
                                             Chunk(ErrorChunk{"malformed", "no", 4}),
                                             Chunk(*response.completion), Chunk(*response.session),
                                             Chunk(DoneChunk{0})));
}

TEST(Protocol, ALineIsSplitIntoWords) {
  const auto request = decode_request("{\"version\":1,\"line\":\" display  igmp group \"}");
  ASSERT_TRUE(request.has_value());
  EXPECT_THAT(request->argv, ::testing::ElementsAre("display", "igmp", "group"));
}

TEST(Protocol, BadRequestsSayWhatIsWrong) {
  const auto why = [](std::string_view text) {
    const auto request = decode_request(text);
    return request ? "accepted" : request.error().detail;
  };
  EXPECT_THAT(why("nonsense"), HasSubstr("not JSON"));
  EXPECT_THAT(why("[]"), HasSubstr("not an object"));
  EXPECT_THAT(why("{}"), HasSubstr("no 'version'"));
  EXPECT_THAT(why("{\"version\":-1}"), HasSubstr("no 'version'"));
  EXPECT_THAT(why("{\"version\":3,\"argv\":[]}"), HasSubstr("version 3 is not spoken here"));
  EXPECT_THAT(why("{\"version\":2,\"session\":\"dance\"}"), HasSubstr("'session'"));
  EXPECT_THAT(why("{\"version\":2,\"session\":7}"), HasSubstr("'session'"));
  EXPECT_THAT(why("{\"version\":1,\"session\":\"open\"}"), HasSubstr("neither"));
  EXPECT_THAT(why("{\"version\":1}"), HasSubstr("neither 'argv' nor 'line'"));
  EXPECT_THAT(why("{\"version\":1,\"argv\":\"x\"}"), HasSubstr("not an array"));
  EXPECT_THAT(why("{\"version\":1,\"argv\":[1]}"), HasSubstr("not a string"));
  EXPECT_THAT(why("{\"version\":1,\"argv\":[],\"input\":{\"name\":\"x\"}}"), HasSubstr("'input'"));
  EXPECT_THAT(why("{\"version\":1,\"a\":[[[[[[[[[]]]]]]]]]}"), HasSubstr("levels"));
  EXPECT_THAT(why(std::string(kControlFrameMax + 1, ' ')), HasSubstr("too long"));
  std::string words = "{\"version\":1,\"argv\":[\"a\"";
  for (int i = 0; i < 64; ++i) words += ",\"a\"";
  EXPECT_THAT(why(words + "]}"), HasSubstr("more than 64 words"));
}

TEST(Protocol, ChunksRoundTrip) {
  for (const Chunk& chunk :
       {Chunk(TextChunk{"a\nb"}), Chunk(ErrorChunk{"refused", "no"}), Chunk(DoneChunk{1})})
    EXPECT_EQ(*decode_chunk(body(encode_frame(chunk))), chunk);
  for (const char* text :
       {"{}", "{\"done\":{}}", "{\"done\":{\"exit\":256}}", "{\"error\":{}}", "[]", "x"})
    EXPECT_FALSE(decode_chunk(text).has_value()) << text;
}

TEST(Protocol, SplitterTakesAnyCut) {
  const std::string stream =
      encode_frame(Chunk(TextChunk{"one"})) + encode_frame(Chunk(DoneChunk{0}));
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    FrameSplitter splitter;
    std::vector<std::string> documents;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      splitter.feed(std::string_view(stream).substr(at, step));
      for (auto next = splitter.next(); next && *next; next = splitter.next())
        documents.push_back(**next);
    }
    ASSERT_EQ(documents.size(), 2U) << step;
    EXPECT_EQ(documents[0], "{\"text\":\"one\"}");
  }
}

TEST(Protocol, SplitterRefusesAHugeLengthForGood) {
  FrameSplitter splitter;
  splitter.feed(std::string("\x7f\xff\xff\xff", 4));
  EXPECT_FALSE(splitter.next().has_value());
  splitter.feed(encode_frame(Chunk(DoneChunk{0})));
  EXPECT_FALSE(splitter.next().has_value());
}

// Long text is cut into chunks, and never inside a character.
TEST(Protocol, ResponseInChunks) {
  Response response;
  for (int i = 0; i < 50'000; ++i) response.text += "aä…🐟";
  response.error = Error{ErrorCode::refused, "no"};
  response.exit_code = 1;
  const auto frames = encode_response(response);
  std::string text;
  for (std::size_t i = 0; i + 2 < frames.size(); ++i) {
    EXPECT_LE(frames[i].size(), kControlChunkBytes + 64);
    text += std::get<TextChunk>(*decode_chunk(body(frames[i]))).text;
  }
  EXPECT_EQ(text, response.text);
  EXPECT_EQ(*decode_chunk(body(frames[frames.size() - 2])), Chunk(ErrorChunk{"refused", "no"}));
  EXPECT_EQ(*decode_chunk(body(frames.back())), Chunk(DoneChunk{1}));
  response.pending = 1;
  EXPECT_EQ(encode_response(response).size(), frames.size() - 1);
}

}  // namespace
}  // namespace hotpair::ha::cli
