#include "rbs/tls/pair_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "platform/hmac/hmac.h"

namespace hotpair::rbs::tls {
namespace {

namespace fs = std::filesystem;

class PairKeyFile : public testing::Test {
 protected:
  PairKeyFile() {
    std::string pattern = (fs::temp_directory_path() / "hotpair-key-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    path = folder / "pair.key";
  }
  ~PairKeyFile() override { fs::remove_all(folder); }
  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  [[nodiscard]] std::string read() const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  fs::path folder;
  fs::path path;
};

std::string line(char digit) { return "key " + std::string(64, digit) + "\n"; }

TEST_F(PairKeyFile, CreateMakesAFileThatLoads) {
  const Result<PairKeys> made = PairKeys::create(path, "2026-11-21");
  ASSERT_TRUE(made) << made.error().detail;
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(status.st_nlink, 1U);
  const Result<PairKeys> loaded = PairKeys::load(path);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_EQ(*loaded, *made);
  EXPECT_EQ(loaded->first().id().size(), 16U);
  EXPECT_TRUE(read().starts_with("hotpair pair keys 1\n"));
  EXPECT_NE(read().find(" 2026-11-21\n"), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST_F(PairKeyFile, CreateNeverOverwrites) {
  const PairKeys first = PairKeys::create(path, "").value();
  const Result<PairKeys> second = PairKeys::create(path, "");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::exists);
  EXPECT_EQ(PairKeys::load(path).value(), first);
  EXPECT_EQ(PairKeys::create(folder / "none" / "pair.key", "").error().code,
            ErrorCode::unavailable);
}

TEST_F(PairKeyFile, TwoNewKeysDiffer) {
  EXPECT_NE(PairKeys::create(folder / "a", "").value(), PairKeys::create(folder / "b", "").value());
}

TEST_F(PairKeyFile, MissingSaysWhatToDo) {
  const Result<PairKeys> keys = PairKeys::load(path);
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().code, ErrorCode::not_found);
  EXPECT_TRUE(keys.error().detail.starts_with("no pair key: run hotpair pair init"));
}

TEST_F(PairKeyFile, RefusesFilesThatOthersCanRead) {
  for (const mode_t mode : {0644U, 0640U, 0602U, 0610U}) {
    write("hotpair pair keys 1\n" + line('a'), mode);
    const Result<PairKeys> keys = PairKeys::load(path);
    ASSERT_FALSE(keys) << mode;
    EXPECT_NE(keys.error().detail.find("chmod 600"), std::string::npos);
  }
  write("hotpair pair keys 1\n" + line('a'), 0400);
  EXPECT_TRUE(PairKeys::load(path));
}

TEST_F(PairKeyFile, RefusesWhatIsNoFile) {
  fs::create_directory(path);
  ::chmod(path.c_str(), 0700);
  EXPECT_FALSE(PairKeys::load(path));
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(PairKeys::load(path).error().code, ErrorCode::refused);
  fs::remove(path);
  write("hotpair pair keys 1\n" + line('a'));
  fs::create_symlink(path, folder / "link");
  EXPECT_FALSE(PairKeys::load(folder / "link"));
}

TEST_F(PairKeyFile, AFileOfAStrangerIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write("hotpair pair keys 1\n" + line('a'));
  ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
  EXPECT_NE(PairKeys::load(path).error().detail.find("owned by user 65534"), std::string::npos);
}

TEST_F(PairKeyFile, ErrorsNameTheLineAndNeverItsContents) {
  const auto error = [this](const std::string& text) {
    write(text);
    const Result<PairKeys> keys = PairKeys::load(path);
    return keys ? std::string("fine") : keys.error().detail.substr(path.native().size() + 11);
  };
  const std::string header = "hotpair pair keys 1\n";
  EXPECT_EQ(error(""), "line 1: expected \"hotpair pair keys 1\"");
  EXPECT_EQ(error("hotpair pair keys 2\n"), "line 1: expected \"hotpair pair keys 1\"");
  EXPECT_EQ(error(header), "there is no key in it");
  EXPECT_EQ(error(header + "# x\n\nsecret abc\n"), "line 4: expected \"key\"");
  EXPECT_EQ(error(header + "key abc\n"), "line 2: expected 64 hex digits");
  EXPECT_EQ(error(header + "key " + std::string(64, 'g') + "\n"), "line 2: expected 64 hex digits");
  EXPECT_EQ(error(header + "key " + std::string(65, 'a') + "\n"), "line 2: expected 64 hex digits");
  EXPECT_NE(error(header + line('a') + line('A')).find("stands in it twice"), std::string::npos);
  std::string many = header;
  for (const char digit : std::string("012345678")) many += line(digit);
  EXPECT_EQ(error(many), "more than 8 keys");
  EXPECT_NE(error(header + std::string(5000, '#')).find("at most 4096"), std::string::npos);
  EXPECT_EQ(error("\r\n# windows\r\n" + header + "key " + std::string(64, 'a') + " note\r\n"),
            "fine");
  EXPECT_EQ(error(header + "key " + std::string(64, 'b')), "fine") << "no newline at the end";
}

TEST(PairKey, TheListKeepsItsOrder) {
  const PairKeys keys =
      PairKeys::parse("hotpair pair keys 1\n" + line('2') + "#\n" + line('1')).value();
  ASSERT_EQ(keys.keys().size(), 2U);
  EXPECT_EQ(keys.first().secret()[0], std::byte{0x22});
  EXPECT_EQ(keys.find(keys.keys()[1].id()), &keys.keys()[1]);
  EXPECT_EQ(keys.find("0123456789abcdef"), nullptr);
  EXPECT_EQ(PairKey::from_secret(Bytes(31)).error().code, ErrorCode::malformed);
}

TEST(PairKey, DerivedKeysAreHkdf) {
  const PairKey key = PairKey::from_secret(Bytes(32, std::byte{7})).value();
  // RFC 5869: extract with a salt of zeros, expand one block.
  const auto prk = platform::hmac::HmacSha256(Bytes(32)).sign(key.secret());
  Bytes info = to_bytes(as_bytes("hotpair etrunk"));
  info.push_back(std::byte{1});
  const auto okm = platform::hmac::HmacSha256(prk).sign(info);
  EXPECT_EQ(key.derive("etrunk"), to_bytes(okm));
  EXPECT_NE(key.derive("etrunk"), key.derive("other"));
  EXPECT_NE(key.derive("etrunk"), to_bytes(key.secret()));
  EXPECT_EQ(PairKeys::from({key}).value().derive("etrunk").at(0), key.derive("etrunk"));
}

}  // namespace
}  // namespace hotpair::rbs::tls
