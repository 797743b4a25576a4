#include "ha/cli/pair_commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>

#include "ha/cli/control_protocol.h"
#include "ha/cli/json.h"
#include "ha/cli/words.h"
#include "platform/base/result.h"
#include "rbs/tls/authority.h"
#include "rbs/tls/key_rotation.h"
#include "rbs/tls/pair_key.h"

namespace hotpair::ha::cli {
namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr const char* kExpected =
    "expected: pair init [--pair-key FILE], pair rotate [--add|--promote|--retire|--status], "
    "pair ca init [--tls-dir DIR] [--name NAME], or pair certificate NODE [--uri URI] [--days N]";

/// The words of one command: what is not an option, and the options.
struct Words {
  std::vector<std::string> plain;
  std::map<std::string, std::string> values;  ///< of `--name VALUE`
  std::vector<std::string> flags;
};

Result<Words> sort_words(const std::vector<std::string>& words,
                         const std::vector<std::string>& with_value,
                         const std::vector<std::string>& without) {
  const auto knows = [](const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  Words sorted;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (knows(with_value, words[i])) {
      if (i + 1 == words.size()) return fail(ErrorCode::malformed, words[i] + " needs a value");
      sorted.values[words[i]] = words[i + 1];
      ++i;
    } else if (knows(without, words[i])) {
      sorted.flags.push_back(words[i]);
    } else if (words[i].starts_with("--")) {
      return fail(ErrorCode::malformed, fmt::format("'{}' is not known; {}", words[i], kExpected));
    } else {
      sorted.plain.push_back(words[i]);
    }
  }
  return sorted;
}

int refused(const PairOptions& options, const Error& error) {
  if (!options.json) {
    std::cerr << "hotpair: " << error.detail << "\n";
    return kRefused;
  }
  Json body = Json::object();
  body.set("code", name_of(error.code)).set("text", error.detail);
  Json document = Json::object();
  std::cout << document.set("error", std::move(body)).dump(2) << "\n";
  return kRefused;
}

WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

/// "2026-11-21T08:00:00Z"
std::string stamp_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = {};
  if (::gmtime_r(&now, &parts) != nullptr)
    static_cast<void>(std::strftime(text, sizeof text, "%FT%TZ", &parts));
  return text;
}

void make_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path, ignored);
}

// ---- pair init ----

int init(const PairOptions& options, const Words& words) {
  const auto given = words.values.find("--pair-key");
  const std::string path = given == words.values.end() ? options.pair_key : given->second;
  make_folder(std::filesystem::path(path).parent_path());
  const auto keys = rbs::tls::PairKeys::create(path, stamp_now());
  if (!keys) return refused(options, keys.error());
  if (options.json) {
    Json document = Json::object();
    std::cout << document.set("file", path).set("key_id", keys->first().id()).dump(2) << "\n";
    return kDone;
  }
  std::cout << fmt::format(
      "{} holds a new pair key (id {}).\nCopy this file to the other node over a safe way, mode "
      "0600; both nodes need the same file.\n",
      path, keys->first().id());
  return kDone;
}

// ---- pair rotate ----

using rbs::tls::RotationStage;
using rbs::tls::RotationStep;

std::string next_step(RotationStage stage, const std::string& path) {
  const std::string spread = fmt::format(
      "  1. Copy {} to the other node over a safe way, mode 0600.\n"
      "  2. hotpair reload on both nodes, in any order. Nothing drops.\n",
      path);
  switch (stage) {
    case RotationStage::settled:
      return spread +
             "  The rotation is over once both nodes have done this.\n"
             "  To begin another one: hotpair pair rotate --add\n";
    case RotationStage::added:
      return spread +
             "  3. Only when both nodes have done this: hotpair pair rotate --promote\n"
             "     on one node. Earlier, a node would dial with a key that the other has not.\n";
    case RotationStage::promoted:
      return spread +
             "  3. Only when both nodes have done this: hotpair pair rotate --retire on one "
             "node.\n";
  }
  return {};
}

struct Used {
  std::string service;
  std::string key_id;
};
/// The keys that the daemon's channels use now.
std::vector<Used> keys_in_use(const PairOptions& options) {
  std::vector<Used> used;
  if (!options.ask_services) return used;
  const auto document = Json::parse(options.ask_services(), kControlDepthMax);
  const Json* list = document ? document->find("remote_backup_services") : nullptr;
  if (list == nullptr) return used;
  if (list->elements() == nullptr) return used;
  for (const Json& each : *list->elements()) {
    const Json* name = each.find("name");
    const Json* key = each.find("pair_key_id");
    if (name != nullptr && key != nullptr && name->string() != nullptr && key->string() != nullptr)
      used.push_back({*name->string(), *key->string()});
  }
  return used;
}

void print_rotation(const PairOptions& options, const std::string& path,
                    const rbs::tls::PairKeys& keys) {
  const RotationStage stage = rbs::tls::stage_of(keys);
  const auto used = keys_in_use(options);
  if (options.json) {
    Json list = Json::array();
    for (const rbs::tls::PairKey& key : keys.keys()) {
      Json one = Json::object();
      list.push(std::move(one.set("key_id", key.id()).set("made", key.comment())));
    }
    Json in_use = Json::object();
    for (const Used& each : used) in_use.set(each.service, each.key_id);
    Json document = Json::object();
    document.set("file", path).set("stage", rbs::tls::name_of(stage)).set("keys", std::move(list));
    std::cout << document.set("in_use", std::move(in_use)).dump(2) << "\n";
    return;
  }
  std::cout << fmt::format("{}: {}\n", path, rbs::tls::name_of(stage));
  for (std::size_t i = 0; i < keys.keys().size(); ++i)
    std::cout << fmt::format("  key {} made {}: {}\n", keys.keys()[i].id(),
                             keys.keys()[i].comment().empty() ? "--" : keys.keys()[i].comment(),
                             i == 0 ? "dialled and accepted" : "accepted");
  for (const Used& each : used)
    std::cout << fmt::format("  {} uses key {} now\n", each.service, each.key_id);
  std::cout << "Next:\n" << next_step(stage, path);
}

int rotate(const PairOptions& options, const Words& words) {
  const auto given = words.values.find("--pair-key");
  const std::string path = given == words.values.end() ? options.pair_key : given->second;
  if (words.flags.size() > 1) return refused(options, {ErrorCode::malformed, "one step at a time"});
  const std::string step = words.flags.empty() ? "--status" : words.flags.front();
  const auto keys = step == "--status"
                        ? rbs::tls::PairKeys::load(path)
                        : rbs::tls::rotate(path,
                                           step == "--add"       ? RotationStep::add
                                           : step == "--promote" ? RotationStep::promote
                                                                 : RotationStep::retire,
                                           stamp_now());
  if (!keys) return refused(options, keys.error());
  print_rotation(options, path, *keys);
  return kDone;
}

// ---- pair ca init, pair certificate ----

std::string folder_of(const PairOptions& options, const Words& words) {
  const auto given = words.values.find("--tls-dir");
  return given == words.values.end() ? options.tls_dir : given->second;
}

int make_authority(const PairOptions& options, const Words& words) {
  const std::string folder = folder_of(options, words);
  make_folder(folder);
  const auto name = words.values.find("--name");
  const auto made = rbs::tls::create_authority(
      folder, name == words.values.end() ? "hotpair pair CA" : name->second, wall_now());
  if (!made) return refused(options, made.error());
  if (options.json) {
    Json document = Json::object();
    document.set("certificate", folder + "/ca.pem").set("key", folder + "/ca.key");
    std::cout << document.set("not_after", rfc3339(made->not_after)).dump(2) << "\n";
    return kDone;
  }
  std::cout << fmt::format(
      "{0}/ca.pem is the pair's own CA, valid until {1}.\n{0}/ca.key signs certificates: it "
      "belongs on neither node for longer than that takes.\nNext: hotpair pair certificate NODE, "
      "once for each node.\n",
      folder, rbs::tls::utc_text(made->not_after));
  return kDone;
}

int make_certificate(const PairOptions& options, const Words& words) {
  const std::string folder = folder_of(options, words);
  rbs::tls::IssueRequest request;
  request.node = words.plain[1];
  if (const auto uri = words.values.find("--uri"); uri != words.values.end())
    request.uri = uri->second;
  if (const auto days = words.values.find("--days"); days != words.values.end()) {
    unsigned count = 0;
    const char* end = days->second.data() + days->second.size();
    const auto [at, error] = std::from_chars(days->second.data(), end, count);
    if (error != std::errc{} || at != end || count < 1 || count > 3650)
      return refused(options, {ErrorCode::malformed, "--days takes 1 to 3650"});
    request.life = std::chrono::days(count);
  }
  const auto made = rbs::tls::issue_certificate(folder, request, wall_now());
  if (!made) return refused(options, made.error());
  const std::string certificate = fmt::format("{}/{}.pem", folder, request.node);
  const std::string key = fmt::format("{}/{}.key", folder, request.node);
  if (options.json) {
    Json document = Json::object();
    document.set("certificate", certificate).set("key", key).set("uri", made->uri);
    std::cout << document.set("not_after", rfc3339(made->not_after)).dump(2) << "\n";
    return kDone;
  }
  std::cout << fmt::format(
      "{0} names {1}, valid until {2}; its key is {3}.\n"
      "On {4}, with ca.pem beside them (mode 0600 for the key):\n"
      "  ssl policy pair\n"
      "   certificate load pem-cert {4}.pem key-pair ecdsa key-file {4}.key\n"
      "   trusted-ca load pem-ca ca.pem\n"
      "   peer-identity URI of the other node\n"
      "  remote-backup-service NAME\n"
      "   ssl-policy pair\n"
      "In place of an earlier one: hotpair reload there; the channel goes on.\n",
      certificate, made->uri, rbs::tls::utc_text(made->not_after), key, request.node);
  return kDone;
}

struct Command {
  std::vector<std::string> words;  ///< fixed ones at the beginning
  std::size_t plain = 0;           ///< how many words that are not options there must be
  std::vector<std::string> with_value;
  std::vector<std::string> flags;
  int (*run)(const PairOptions&, const Words&);
};

const std::vector<Command>& commands() {
  static const std::vector<Command> list{
      {{"init"}, 1, {"--pair-key"}, {}, init},
      {{"rotate"}, 1, {"--pair-key"}, {"--add", "--promote", "--retire", "--status"}, rotate},
      {{"ca", "init"}, 2, {"--tls-dir", "--name"}, {}, make_authority},
      {{"certificate"}, 2, {"--tls-dir", "--uri", "--days"}, {}, make_certificate}};
  return list;
}

bool begins_with(const std::vector<std::string>& typed, const std::vector<std::string>& words) {
  if (typed.size() < words.size()) return false;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (typed[i].empty() || !words[i].starts_with(typed[i])) return false;
  return true;
}

}  // namespace

int run_pair(const PairOptions& options, const std::vector<std::string>& words) {
  const std::vector<std::string> typed(words.begin() + (words.empty() ? 0 : 1), words.end());
  for (const Command& command : commands()) {
    if (!begins_with(typed, command.words)) continue;
    const auto sorted = sort_words(typed, command.with_value, command.flags);
    if (!sorted) return refused(options, sorted.error());
    if (sorted->plain.size() != command.plain) break;
    return command.run(options, *sorted);
  }
  return refused(options, {ErrorCode::malformed, kExpected});
}

}  // namespace hotpair::ha::cli
