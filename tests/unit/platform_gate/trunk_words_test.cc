#include "platform/gate/trunk_words.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "platform/base/descriptor.h"
#include "platform/gate/gate_words.h"

namespace hotpair::platform::gate {
namespace {

// The map's layout in a plain file: header, then slots.
FileDescriptor file_with(std::uint64_t magic, std::uint64_t slots) {
  FileDescriptor file(::memfd_create("words", MFD_CLOEXEC));
  const std::array<std::uint64_t, 2> header{magic, slots};
  EXPECT_EQ(::ftruncate(file.get(), 16384), 0);
  EXPECT_EQ(::pwrite(file.get(), header.data(), sizeof header, 0),
            static_cast<ssize_t>(sizeof header));
  return file;
}

TEST(TrunkWord, CollectingIsLowDistributingIsHigh) {
  constexpr TrunkWord word = make_trunk_word(0x80000001U, 0x3U);
  EXPECT_EQ(word, 0x0000000380000001ULL);
  EXPECT_EQ(collecting_of(word), 0x80000001U);
  EXPECT_EQ(distributing_of(word), 0x3U);
  EXPECT_EQ(make_trunk_word(0, 0), kTrunkClosed);
}

TEST(TrunkWords, StoreIsSeenByAnotherMapping) {
  const FileDescriptor file = file_with(kTrunkMagic, 16);
  auto writer = TrunkWords::map_writable(file.get());
  const auto reader = TrunkWords::map_readable(file.get());
  ASSERT_TRUE(writer && reader);
  EXPECT_EQ(reader->slots(), 16U);
  EXPECT_FALSE(reader->writable());
  writer->store(15, make_trunk_word(1, 1));
  EXPECT_EQ(reader->load(15), 0x100000001ULL);
  std::uint64_t raw = 0;
  ASSERT_EQ(::pread(file.get(), &raw, sizeof raw, (8 + 15) * 8), 8);
  EXPECT_EQ(raw, 0x100000001ULL);
}

TEST(TrunkWords, AnotherLayoutIsRefused) {
  const auto code = [](const FileDescriptor& file) {
    return TrunkWords::map_writable(file.get()).error().code;
  };
  EXPECT_EQ(code(file_with(kTrunkMagic + 1, 16)), ErrorCode::malformed);
  EXPECT_EQ(code(file_with(kGateMagic, 16)), ErrorCode::malformed);
  EXPECT_EQ(code(file_with(kTrunkMagic, 0)), ErrorCode::malformed);
  EXPECT_EQ(code(file_with(kTrunkMagic, kTrunkSlotsMax + 1)), ErrorCode::malformed);
  EXPECT_EQ(TrunkWords::map_readable(-1).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace hotpair::platform::gate
