#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "ha/keeper/client/keeper_client.h"

namespace hotpair::ha::keeper {
namespace {

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    left_.emplace(FileDescriptor(ends[0]));
    right_.emplace(FileDescriptor(ends[1]));
  }
  static ino_t inode(int fd) {
    struct stat info {};
    EXPECT_EQ(::fstat(fd, &info), 0);
    return info.st_ino;
  }
  std::optional<MessageStream> left_;
  std::optional<MessageStream> right_;
};

TEST_F(StreamTest, DescriptorsArriveWithTheirMessageInOrder) {
  int pipes[2];
  ASSERT_EQ(::pipe2(pipes, O_CLOEXEC), 0);
  const FileDescriptor reader(pipes[0]);
  const FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::array<int, 2> first{reader.get(), null.get()};
  const std::array<int, 1> second{pipes[1]};
  ASSERT_TRUE(left_->send(encode(ToKeeper(Heartbeat{}))));
  ASSERT_TRUE(left_->send(encode(ToKeeper(Descriptors{{"a", "b"}})), first));
  ASSERT_TRUE(left_->send(encode(ToKeeper(Descriptors{{"c"}})), second));
  const ino_t of_pipe = inode(reader.get());
  ::close(pipes[1]);  // what travels is a duplicate
  std::vector<Bytes> frames;
  while (frames.size() < 3) {
    const auto more = right_->receive();
    ASSERT_TRUE(more.has_value());
    frames.insert(frames.end(), more->begin(), more->end());
  }
  auto two = right_->take_fds(2);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(inode((*two)[0].get()), of_pipe);
  EXPECT_EQ(inode((*two)[1].get()), inode(null.get()));
  ASSERT_TRUE(right_->take_fds(1).has_value());
  EXPECT_FALSE(right_->take_fds(1).has_value());
}

TEST_F(StreamTest, ASilentReaderFillsTheQueueAndIsGivenUp) {
  const Bytes message = encode(FromKeeper(Refused{std::string(1000, 'x')}));
  Result<void> sent;
  int count = 0;
  for (; sent && count < 10'000; ++count) sent = left_->send(message);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, ErrorCode::exhausted);
  EXPECT_TRUE(left_->wants_write());
  std::size_t got = 0;
  while (left_->wants_write()) {
    const auto frames = right_->receive();
    ASSERT_TRUE(frames.has_value());
    got += frames->size();
    ASSERT_TRUE(left_->flush());
  }
  got += right_->receive()->size();
  EXPECT_EQ(got, static_cast<std::size_t>(count - 1));
}

TEST_F(StreamTest, WhatCameBeforeTheEndIsStillRead) {
  ASSERT_TRUE(left_->send(encode(FromKeeper(Refused{"bye"}))));
  left_.reset();
  const auto frames = right_->receive();
  ASSERT_TRUE(frames.has_value());
  EXPECT_EQ(frames->size(), 1U);
  const auto end = right_->receive();
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, ErrorCode::disconnected);
  EXPECT_FALSE(right_->send(encode(FromKeeper(Refused{"x"}))).has_value());
}

TEST(KeeperClientTest, WhoIsNotThereIsNamed) {
  const auto missing = KeeperClient::connect("/tmp/hotpair-no-such-socket");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(KeeperClient::connect(std::string(200, 'x')).error().code, ErrorCode::refused);
}

TEST(KeeperClientTest, AProgramThatCannotBeExecutedIsAnError) {
  const auto started = start_keeper({"/nonexistent/hotpair-keeper", "/tmp/x", "", "info"});
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().detail.find("/nonexistent/hotpair-keeper"), std::string::npos);
}

}  // namespace
}  // namespace hotpair::ha::keeper
