#include "checkpoint/store/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "checkpoint/store/terms_file.h"
#include "tests/unit/checkpoint_store/fixture.h"

namespace hotpair::checkpoint::store::test {
namespace {

namespace fs = std::filesystem;

const LifeMark kMark{"b6a1f0d2-boot", NodeId(0x1122334455667788), std::chrono::seconds(99), true,
                     false, 3};

TEST(LifeMark, round_trip_and_every_flipped_bit) {
  const Bytes bytes = encode(kMark);
  ASSERT_EQ(bytes.size(), kLifeMarkBytes);
  EXPECT_EQ(decode_life_mark(bytes).value(), kMark);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(decode_life_mark(damaged)) << bit;
  }
  EXPECT_FALSE(decode_life_mark({}));
  EXPECT_FALSE(decode_life_mark(ByteSpan(bytes).first(100)));
}

TEST(LifeMark, verdicts) {
  const auto decide = [](std::optional<LifeMark> mark, int now_s,
                         const char* boot = "b6a1f0d2-boot",
                         std::uint64_t node = 0x1122334455667788) {
    return decide_restore(mark, boot, NodeId(node), std::chrono::seconds(now_s),
                          std::chrono::seconds(260));
  };
  EXPECT_EQ(decide(kMark, 99), RestoreVerdict::usable);
  EXPECT_EQ(decide(kMark, 99 + 259), RestoreVerdict::usable);
  EXPECT_EQ(decide(kMark, 99 + 260), RestoreVerdict::too_old);
  EXPECT_EQ(decide(kMark, 98), RestoreVerdict::clock_behind);
  EXPECT_EQ(decide(kMark, 99, "another"), RestoreVerdict::other_boot);
  EXPECT_EQ(decide(kMark, 99, "b6a1f0d2-boot", 1), RestoreVerdict::other_node);
  EXPECT_EQ(decide(std::nullopt, 99), RestoreVerdict::no_mark);
  LifeMark mark = kMark;
  mark.damaged = true;
  EXPECT_EQ(decide(mark, 99), RestoreVerdict::damaged);
  mark = kMark;
  mark.boot_id.clear();
  EXPECT_EQ(decide(mark, 99, ""), RestoreVerdict::other_boot);
}

TEST(LifeFile, is_held_by_one_at_a_time) {
  const TempDirectory directory;
  const fs::path path = directory.path() / "life";
  {
    auto first = LifeFile::open(path);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->previous());
    ASSERT_TRUE(first->write(kMark));
    const auto second = LifeFile::open(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  }
  const auto third = LifeFile::open(path);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->previous(), kMark);
}

TEST(Directory, is_made_or_must_be_ours_alone) {
  const TempDirectory directory;
  const fs::path made = directory.path() / "made";
  ASSERT_TRUE(prepare_directory(made));
  EXPECT_EQ(fs::status(made).permissions(), fs::perms::owner_all);
  ASSERT_TRUE(prepare_directory(made));
  ::chmod(made.c_str(), 0770);
  EXPECT_EQ(prepare_directory(made).error().code, ErrorCode::refused);
  EXPECT_FALSE(prepare_directory(directory.path() / "no" / "parent"));
  std::ofstream(directory.path() / "file") << "x";
  EXPECT_EQ(prepare_directory(directory.path() / "file").error().code, ErrorCode::refused);
  fs::create_directory_symlink(made, directory.path() / "link");
  EXPECT_EQ(prepare_directory(directory.path() / "link").error().code, ErrorCode::refused);
}

TEST(SetAside, keeps_the_newest_two) {
  const TempDirectory directory;
  const fs::path file = directory.path() / "store.mdb";
  std::vector<fs::path> names;
  for (int i = 0; i < 5; ++i) {
    std::ofstream(file) << i;
    names.push_back(set_aside(file).value());
  }
  std::set<fs::path> left;
  for (const auto& entry : fs::directory_iterator(directory.path())) left.insert(entry.path());
  EXPECT_EQ(left, (std::set<fs::path>{names[3], names[4]}));
  std::string content;
  std::ifstream(names[4]) >> content;
  EXPECT_EQ(content, "4");
  EXPECT_FALSE(set_aside(file));
}

TEST(Terms, text_golden_and_round_trip) {
  const ReservedTerms terms{{ScopeId(0), 64}, {ScopeId(17), 18446744073709551615U}};
  const std::string text = format_terms(terms);
  EXPECT_TRUE(text.starts_with(
      "hotpair-terms 1\nscope 0 term 64\nscope 17 term 18446744073709551615\nchecksum "));
  EXPECT_EQ(parse_terms(text).value(), terms);
  EXPECT_EQ(parse_terms(format_terms({})).value(), ReservedTerms{});
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(parse_terms(damaged)) << i;
    EXPECT_FALSE(parse_terms(std::string_view(text).substr(0, i))) << i;
  }
  EXPECT_FALSE(parse_terms(text + "\n"));
}

TEST(Terms, file_is_replaced_whole) {
  const TempDirectory directory;
  const fs::path file = directory.path() / "terms";
  EXPECT_EQ(read_terms(file).value(), ReservedTerms{});
  ASSERT_TRUE(write_terms(file, {{ScopeId(1), 5}}));
  ASSERT_TRUE(write_terms(file, {{ScopeId(1), 6}, {ScopeId(2), 7}}));
  EXPECT_EQ(read_terms(file).value(), (ReservedTerms{{ScopeId(1), 6}, {ScopeId(2), 7}}));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(write_terms(directory.path() / "missing" / "terms", {}));
}

}  // namespace
}  // namespace hotpair::checkpoint::store::test
