#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/unit/ha_shell/served_node.h"

/// Sessions over a real socket.
namespace hotpair::ha::daemon {
namespace {

using cli::Request;
using cli::SessionVerb;
using ::testing::HasSubstr;
using testing::ServedNode;

class Connection {
 public:
  explicit Connection(const ServedNode& node) : descriptor_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, node.socket().c_str(), sizeof address.sun_path - 1);
    connected =
        ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Connection() { ::close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(SessionVerb verb, const std::string& line = {}) {
    Request request;
    request.version = cli::kSessionVersion;
    request.verb = verb;
    request.line = line;
    const std::string frame = cli::encode_frame(request);
    ASSERT_EQ(::send(descriptor_, frame.data(), frame.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(frame.size()));
  }
  void send_raw(const std::string& bytes) {
    static_cast<void>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  struct Answer {
    std::string text;
    std::string error;
    cli::SessionChunk session;
    int exit_code = -1;  ///< -1: the connection ended
  };
  Answer receive() {
    Answer answer;
    char buffer[4096];
    while (true) {
      auto document = splitter_.next();
      if (!document) return answer;
      if (!*document) {
        const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
        if (got <= 0) return answer;
        splitter_.feed({buffer, static_cast<std::size_t>(got)});
        continue;
      }
      const auto chunk = cli::decode_chunk(**document);
      if (!chunk) return answer;
      if (const auto* text = std::get_if<cli::TextChunk>(&*chunk)) answer.text += text->text;
      if (const auto* error = std::get_if<cli::ErrorChunk>(&*chunk)) answer.error = error->text;
      if (const auto* session = std::get_if<cli::SessionChunk>(&*chunk)) answer.session = *session;
      if (const auto* done = std::get_if<cli::DoneChunk>(&*chunk)) {
        answer.exit_code = done->exit_code;
        return answer;
      }
    }
  }
  Answer ask(SessionVerb verb, const std::string& line = {}) {
    send(verb, line);
    return receive();
  }

  bool connected = false;

 private:
  int descriptor_;
  cli::FrameSplitter splitter_;
};

TEST(ControlServerSessions, OneShellIsOneConnection) {
  ServedNode node;
  ASSERT_TRUE(node.opened.has_value());
  Connection one(node);
  ASSERT_TRUE(one.connected);
  EXPECT_EQ(one.ask(SessionVerb::line, "display version").error,
            "no session was opened on this connection");
  EXPECT_EQ(one.ask(SessionVerb::open).session.prompt, "<DeviceA>");
  EXPECT_EQ(one.ask(SessionVerb::line, "system-view").session.prompt, "[~DeviceA]");
  EXPECT_TRUE(one.ask(SessionVerb::line, "sysname B").session.changes);
  Connection two(node);
  EXPECT_EQ(two.ask(SessionVerb::open).session.prompt, "<DeviceA>");
  EXPECT_EQ(one.ask(SessionVerb::line, "commit").session.prompt, "[~B]");
  EXPECT_EQ(two.ask(SessionVerb::line, "#").session.prompt, "<B>");
  EXPECT_TRUE(one.ask(SessionVerb::close).session.ended);
  EXPECT_EQ(one.ask(SessionVerb::line, "display version").exit_code, 1);
}

TEST(ControlServerSessions, AWaitIsCancelledAndTheShellGoesOn) {
  ServedNode node;
  Connection one(node);
  static_cast<void>(one.ask(SessionVerb::open));
  one.send(SessionVerb::cancel);  // nothing runs: nothing is answered
  one.send(SessionVerb::line, "wait synced --timeout 600");
  one.send(SessionVerb::cancel);
  const auto waited = one.receive();
  EXPECT_EQ(waited.exit_code, 1);
  EXPECT_THAT(waited.error, HasSubstr("interrupted"));
  EXPECT_EQ(one.ask(SessionVerb::line, "system-view").session.prompt, "[~DeviceA]");
}

TEST(ControlServerSessions, ALongAnswerIsCancelled) {
  ServedNode node;
  node.node.long_table = [] { return std::make_unique<cli::testing::LongTable>(100'000'000); };
  Connection one(node);
  static_cast<void>(one.ask(SessionVerb::open));
  one.send(SessionVerb::line, "display igmp group");
  one.send(SessionVerb::cancel);
  const auto shown = one.receive();
  EXPECT_EQ(shown.error, "interrupted");
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_EQ(one.ask(SessionVerb::line, "system-view").session.prompt, "[~DeviceA]");
}

TEST(ControlServerSessions, ALongAnswerIsWholeAndWhatCameMeanwhileFollows) {
  ServedNode node;
  node.node.long_table = [] { return std::make_unique<cli::testing::LongTable>(20'000); };
  Connection one(node);
  static_cast<void>(one.ask(SessionVerb::open));
  one.send(SessionVerb::line, "display igmp group");
  one.send(SessionVerb::line, "system-view");
  const auto shown = one.receive();
  EXPECT_THAT(shown.text, HasSubstr("225.0.78.31"));
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_EQ(one.receive().session.prompt, "[~DeviceA]");
  EXPECT_EQ(one.ask(SessionVerb::line, "do display igmp group | count").text,
            "Total count: 20004\n");
}

TEST(ControlServerSessions, WhatComesDuringAnActionIsAnsweredAfterIt) {
  ServedNode node;
  Connection one(node);
  static_cast<void>(one.ask(SessionVerb::open));
  for (const char* line : {"system-view", "sysname B", "commit", "sysname C", "commit", "#"})
    one.send(SessionVerb::line, line);
  for (const char* prompt : {"[~DeviceA]", "[*B]", "[~B]", "[*C]", "[~C]", "[~C]"})
    EXPECT_EQ(one.receive().session.prompt, prompt);
}

TEST(ControlServerSessions, AConnectionThatIsCutGivesUpItsLock) {
  ServedNode node;
  Connection two(node);
  static_cast<void>(two.ask(SessionVerb::open));
  {
    Connection one(node);
    static_cast<void>(one.ask(SessionVerb::open));
    EXPECT_EQ(one.ask(SessionVerb::line, "configuration exclusive").exit_code, 0);
    EXPECT_THAT(two.ask(SessionVerb::line, "configuration exclusive").error, HasSubstr("locked"));
  }
  // The server sees the end of the connection when its loop comes to it.
  int code = 1;
  for (int i = 0; i < 1000 && code != 0; ++i)
    code = two.ask(SessionVerb::line, "configuration exclusive").exit_code;
  EXPECT_EQ(code, 0);
}

TEST(ControlServerSessions, NonsenseEndsTheConnectionOnly) {
  ServedNode node;
  Connection one(node);
  static_cast<void>(one.ask(SessionVerb::open));
  one.send_raw(std::string("\0\0\0\5hello", 9));
  EXPECT_EQ(one.receive().exit_code, 1);
  EXPECT_EQ(one.receive().exit_code, -1);
  Connection two(node);
  EXPECT_EQ(two.ask(SessionVerb::open).exit_code, 0);
}

}  // namespace
}  // namespace hotpair::ha::daemon
