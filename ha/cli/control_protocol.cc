#include "ha/cli/control_protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "ha/cli/interpreter.h"
#include "ha/cli/json.h"
#include "ha/config/grammar.h"

namespace hotpair::ha::cli {
namespace {

constexpr std::size_t kWordsMax = 64;
constexpr std::size_t kLengthBytes = 4;

struct CodeName {
  ErrorCode code;
  std::string_view name;
};
constexpr std::array kCodeNames{
    CodeName{ErrorCode::malformed, "malformed"},
    CodeName{ErrorCode::refused, "refused"},
    CodeName{ErrorCode::not_found, "not_found"},
    CodeName{ErrorCode::exists, "exists"},
    CodeName{ErrorCode::unavailable, "unavailable"},
    CodeName{ErrorCode::exhausted, "exhausted"},
    CodeName{ErrorCode::unsupported, "unsupported"},
    CodeName{ErrorCode::disconnected, "disconnected"},
    CodeName{ErrorCode::timeout, "timeout"},
};

constexpr std::size_t kCompletionsMax = 1'000;

struct VerbName {
  SessionVerb verb;
  std::string_view name;
};
constexpr std::array kVerbNames{
    VerbName{SessionVerb::open, "open"},         VerbName{SessionVerb::line, "line"},
    VerbName{SessionVerb::complete, "complete"}, VerbName{SessionVerb::help, "help"},
    VerbName{SessionVerb::cancel, "cancel"},     VerbName{SessionVerb::close, "close"},
};

std::string framed(const Json& document) {
  const std::string body = document.dump();
  std::string frame;
  for (unsigned shift = 32; shift > 0; shift -= 8)
    frame += static_cast<char>((body.size() >> (shift - 8)) & 0xffU);
  return frame + body;
}

std::unexpected<Error> bad(std::string what) { return fail(ErrorCode::malformed, std::move(what)); }

Result<std::vector<std::string>> words_of(const Json& document) {
  std::vector<std::string> words;
  if (const Json* argv = document.find("argv")) {
    const auto* list = argv->elements();
    if (list == nullptr) return bad("'argv' is not an array");
    if (list->size() > kWordsMax) return bad(fmt::format("more than {} words", kWordsMax));
    for (const Json& each : *list) {
      if (each.string() == nullptr) return bad("a word of 'argv' is not a string");
      words.push_back(*each.string());
    }
    return words;
  }
  const Json* line = document.find("line");
  if (line == nullptr || line->string() == nullptr) return bad("neither 'argv' nor 'line'");
  for (const config::Word& word : config::split_words(*line->string())) words.push_back(word.text);
  if (words.size() > kWordsMax) return bad(fmt::format("more than {} words", kWordsMax));
  return words;
}

Result<void> read_session(const Json& document, const Json& verb, Request& request) {
  for (const VerbName& each : kVerbNames)
    if (verb.string() != nullptr && *verb.string() == each.name) request.verb = each.verb;
  if (request.verb == SessionVerb::none) return bad("'session' is no request that is known");
  if (const Json* text = document.find("text"); text != nullptr && text->string() != nullptr)
    request.line = *text->string();
  if (const Json* terminal = document.find("terminal"))
    request.terminal = terminal->boolean().value_or(false);
  return {};
}

std::string text_in(const Json& object, std::string_view key) {
  const Json* found = object.find(key);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

bool flag_in(const Json& object, std::string_view key) {
  const Json* found = object.find(key);
  return found != nullptr && found->boolean().value_or(false);
}

std::optional<std::uint64_t> number_in(const Json& object, std::string_view key) {
  const Json* found = object.find(key);
  return found == nullptr ? std::nullopt : found->number();
}

SessionChunk session_of(const Json& body) {
  SessionChunk chunk{text_in(body, "prompt"), flag_in(body, "changes"), flag_in(body, "ended"), {}};
  if (const auto lines = number_in(body, "page_lines"))
    chunk.page_lines = static_cast<std::uint16_t>(std::min<std::uint64_t>(*lines, 512));
  return chunk;
}

Result<Chunk> completions_of(const Json& document, const Json& body) {
  if (body.elements() == nullptr || body.elements()->size() > kCompletionsMax)
    return bad("'completions' is not a list, or too long");
  CompletionChunk chunk;
  chunk.typed = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(number_in(document, "typed").value_or(0), kControlFrameMax));
  for (const Json& each : *body.elements())
    chunk.completions.push_back(
        {text_in(each, "word"), text_in(each, "help"), flag_in(each, "insert")});
  return Chunk(std::move(chunk));
}

// One character is never cut in two: continuation bytes stay with what they continue.
std::size_t chunk_length(std::string_view text) {
  std::size_t length = std::min(text.size(), kControlChunkBytes);
  for (int i = 0; i < 3 && length < text.size() && length > 0; ++i) {
    if ((static_cast<unsigned char>(text[length]) & 0xc0U) != 0x80U) break;
    --length;
  }
  return length;
}

}  // namespace

std::string_view name_of(ErrorCode code) {
  for (const CodeName& each : kCodeNames)
    if (each.code == code) return each.name;
  return "unknown";
}

std::string encode_frame(const Request& request) {
  Json document = Json::object();
  document.set("version", request.version);
  if (request.verb == SessionVerb::none) {
    Json argv = Json::array();
    for (const std::string& word : request.argv) argv.push(word);
    document.set("argv", std::move(argv));
  } else {
    for (const VerbName& each : kVerbNames)
      if (each.verb == request.verb) document.set("session", each.name);
    document.set("text", request.line).set("terminal", request.terminal);
  }
  document.set("json", request.json);
  document.set("width", std::uint64_t{request.width}).set("user", request.user);
  if (request.input) {
    Json input = Json::object();
    input.set("name", request.input->name).set("text", request.input->text);
    document.set("input", std::move(input));
  }
  return framed(document);
}

std::string encode_frame(const Chunk& chunk) {
  Json document = Json::object();
  if (const auto* text = std::get_if<TextChunk>(&chunk)) {
    document.set("text", text->text);
  } else if (const auto* error = std::get_if<ErrorChunk>(&chunk)) {
    Json body = Json::object();
    body.set("code", error->code).set("text", error->text);
    if (error->column != 0) body.set("column", error->column);
    document.set("error", std::move(body));
  } else if (const auto* session = std::get_if<SessionChunk>(&chunk)) {
    Json body = Json::object();
    body.set("prompt", session->prompt).set("changes", session->changes);
    body.set("ended", session->ended);
    if (session->page_lines) body.set("page_lines", std::uint64_t{*session->page_lines});
    document.set("session", std::move(body));
  } else if (const auto* completion = std::get_if<CompletionChunk>(&chunk)) {
    Json list = Json::array();
    for (const Completion& each : completion->completions) {
      Json one = Json::object();
      one.set("word", each.word).set("help", each.help).set("insert", each.insert);
      list.push(std::move(one));
    }
    document.set("typed", completion->typed).set("completions", std::move(list));
  } else if (const auto* done = std::get_if<DoneChunk>(&chunk)) {
    Json body = Json::object();
    body.set("exit", done->exit_code);
    document.set("done", std::move(body));
  }
  return framed(document);
}

Result<Request> decode_request(std::string_view text) {
  if (text.size() > kControlFrameMax) return bad("the request is too long");
  const auto document = Json::parse(text, kControlDepthMax);
  if (!document) return std::unexpected(document.error());
  if (!document->is_object()) return bad("the request is not an object");
  Request request;
  const Json* version = document->find("version");
  const auto number = version == nullptr ? std::nullopt : version->number();
  if (!number || *number == 0) return bad("no 'version'");
  if (*number > kSessionVersion) {
    return fail(ErrorCode::unsupported,
                fmt::format("control protocol version {} is not spoken here, only {} and {}",
                            *number, kControlVersion, kSessionVersion));
  }
  request.version = static_cast<std::uint32_t>(*number);
  if (const Json* verb = document->find("session"); verb != nullptr && *number >= kSessionVersion) {
    if (auto read = read_session(*document, *verb, request); !read)
      return std::unexpected(read.error());
  } else {
    auto words = words_of(*document);
    if (!words) return std::unexpected(words.error());
    request.argv = std::move(*words);
  }
  if (const Json* json = document->find("json")) request.json = json->boolean().value_or(false);
  if (const Json* width = document->find("width")) {
    const std::uint64_t columns = width->number().value_or(request.width);
    request.width = static_cast<std::uint16_t>(std::clamp<std::uint64_t>(columns, 20, 1'000));
  }
  if (const Json* user = document->find("user"); user != nullptr && user->string() != nullptr)
    request.user = *user->string();
  if (const Json* input = document->find("input")) {
    const Json* name = input->find("name");
    const Json* body = input->find("text");
    if (name == nullptr || body == nullptr || name->string() == nullptr ||
        body->string() == nullptr)
      return bad("'input' has no 'name' and 'text'");
    request.input = InputFile{*name->string(), *body->string()};
  }
  return request;
}

Result<Chunk> decode_chunk(std::string_view text) {
  if (text.size() > kControlFrameMax) return bad("the answer is too long");
  const auto document = Json::parse(text, kControlDepthMax);
  if (!document) return std::unexpected(document.error());
  if (const Json* body = document->find("text"); body != nullptr && body->string() != nullptr)
    return Chunk(TextChunk{*body->string()});
  if (const Json* body = document->find("error")) {
    const Json* code = body->find("code");
    const Json* reason = body->find("text");
    if (code != nullptr && reason != nullptr && code->string() != nullptr &&
        reason->string() != nullptr)
      return Chunk(ErrorChunk{*code->string(), *reason->string(),
                              static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                  number_in(*body, "column").value_or(0), kControlFrameMax))});
  }
  if (const Json* body = document->find("session")) return Chunk(session_of(*body));
  if (const Json* body = document->find("completions")) return completions_of(*document, *body);
  if (const Json* body = document->find("done")) {
    const Json* exit_code = body->find("exit");
    const auto number = exit_code == nullptr ? std::nullopt : exit_code->number();
    if (number && *number <= 255) return Chunk(DoneChunk{static_cast<int>(*number)});
  }
  return bad("an answer that is neither text, error nor done");
}

void FrameSplitter::feed(std::string_view bytes) {
  if (broken_) return;
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  buffer_ += bytes;
}

Result<std::optional<std::string>> FrameSplitter::next() {
  if (broken_) return bad("the stream is broken");
  const std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (rest.size() < kLengthBytes) return std::optional<std::string>();
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length = (length << 8U) | static_cast<unsigned char>(rest[i]);
  if (length > kControlFrameMax) {
    broken_ = true;
    buffer_.clear();
    consumed_ = 0;
    return bad(
        fmt::format("a frame of {} bytes, at most {} are allowed", length, kControlFrameMax));
  }
  if (rest.size() - kLengthBytes < length) return std::optional<std::string>();
  consumed_ += kLengthBytes + length;
  return std::optional(std::string(rest.substr(kLengthBytes, length)));
}

std::vector<std::string> encode_response(const Response& response, bool follows) {
  std::vector<std::string> frames;
  std::string_view rest = response.text;
  while (!rest.empty()) {
    const std::size_t length = chunk_length(rest);
    frames.push_back(encode_frame(Chunk(TextChunk{std::string(rest.substr(0, length))})));
    rest.remove_prefix(length);
  }
  if (response.error)
    frames.push_back(encode_frame(Chunk(ErrorChunk{std::string(name_of(response.error->code)),
                                                   response.error->detail, response.column})));
  if (response.completion) frames.push_back(encode_frame(Chunk(*response.completion)));
  if (response.session) frames.push_back(encode_frame(Chunk(*response.session)));
  if (!response.pending && !follows)
    frames.push_back(encode_frame(Chunk(DoneChunk{response.exit_code})));
  return frames;
}

}  // namespace hotpair::ha::cli
