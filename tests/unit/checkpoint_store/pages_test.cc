#include "checkpoint/store/page_check.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace hotpair::checkpoint::store {
namespace {

/// A file of the fuzz corpus without its first byte: 2048-byte pages, made by hand.
std::string corpus(const std::string& name) {
  std::ifstream in(std::string(HOTPAIR_SOURCE_DIR "/tests/fuzz/lmdb_record/corpus/") + name,
                   std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(in), {}};
  return content.empty() ? content : content.substr(1);
}
std::string with(std::string file, std::size_t at, char byte) {
  file[at] = byte;
  return file;
}
constexpr std::size_t kPage = 2048;

TEST(Pages, sound_files_pass) {
  EXPECT_EQ(check_pages(as_bytes(corpus("file_small"))), "");
  EXPECT_EQ(check_pages(as_bytes(corpus("file_two_levels"))), "");
}

TEST(Pages, each_fault_has_its_name) {
  const std::string file = corpus("file_small");
  const auto fault = [](const std::string& content) { return check_pages(as_bytes(content)); };
  EXPECT_EQ(fault(""), "the file is shorter than a meta page");
  EXPECT_EQ(fault(file.substr(0, 3 * kPage)), "the file is shorter than it says");
  EXPECT_EQ(fault(with(file, 16, 0)), "a meta page is damaged");
  EXPECT_EQ(fault(with(file, 41, 3)), "the page size is impossible");
  EXPECT_EQ(fault(with(file, 2 * kPage, 9)), "a page has another number");
  EXPECT_EQ(fault(with(file, 2 * kPage + 10, 1)),
            "a page is not of the kind that its place asks for");
  EXPECT_EQ(fault(with(file, 3 * kPage + 12, 19)), "the bounds of a page are impossible");
  EXPECT_EQ(fault(with(file, 3 * kPage + 14, 0)), "the nodes of a page do not fill their room");
  // The free list holds 6, 5: one of them twice, then one that is in use.
  const std::size_t numbers = 4 * kPage + kPage - 16;
  EXPECT_EQ(fault(with(file, numbers + 8, 6)), "a free list entry is out of order");
  EXPECT_EQ(fault(with(file, numbers, 3)), "a page is used twice");
  // Freed by transaction 0: LMDB would take the pages and leave the entry, so take them again.
  EXPECT_EQ(fault(with(file, numbers - 16, 0)), "a free list entry is damaged");
}

TEST(Pages, a_branch_page_tells_the_truth_about_its_children) {
  const std::string file = corpus("file_two_levels");
  const auto fault = [](const std::string& content) { return check_pages(as_bytes(content)); };
  // Page 3 separates "...aa" from "...bb" by "...bb".
  const std::size_t separator = 3 * kPage + 2022 + 8;
  ASSERT_EQ(file.substr(separator + 8, 2), "bb");
  EXPECT_EQ(fault(with(file, separator + 9, 'a')), "");
  EXPECT_EQ(fault(with(file, separator + 9, 'c')), "a key stands in the wrong page");
  EXPECT_EQ(fault(with(file, separator, '\0')), "");
  EXPECT_EQ(fault(with(file, separator + 8, 'a')), "");
  EXPECT_EQ(fault(with(file, separator + 8, '\0')), "keys are not in order");
}

TEST(Pages, no_flipped_bit_is_read_out_of_bounds) {
  const std::string file = corpus("file_two_levels");
  ASSERT_FALSE(file.empty());
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit)
    static_cast<void>(check_pages(as_bytes(
        with(file, bit / 8, static_cast<char>(file[bit / 8] ^ (1 << (bit % 8)))))));
  for (std::size_t size = 0; size < file.size(); size += 7)
    EXPECT_NE(check_pages(as_bytes(file.substr(0, size))), "");
}

}  // namespace
}  // namespace hotpair::checkpoint::store
