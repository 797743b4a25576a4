#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "checkpoint/store/store_thread.h"
#include "ha/daemon/channel_link.h"
#include "ha/node/node.h"
#include "platform/fwd/forwarding_plane.h"
#include "platform/io/group_socket.h"
#include "platform/io/readable_watch.h"

namespace hotpair::bench {

inline constexpr ScopeId kScope{10};
inline constexpr std::string_view kAccess = "tr1";
inline constexpr std::string_view kUplink = "up0";

/// Anonymous memory of this process, bytes.
[[nodiscard]] std::size_t anonymous_rss();

/// Processor time of a thread of this process so far, milliseconds.
[[nodiscard]] double processor_ms(int thread_id);

/// A directory of its own with a pair key file in it; gone with the object.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string key_file() const { return path_ / "pair.key"; }

 private:
  std::filesystem::path path_;
};

enum class PlaneKind : std::uint8_t { memory, kernel };

/// hotpaird without its keeper and its configuration: a real node, store thread, TLS channel and
/// plane, on a loop and thread of its own. What the keeper would say is said by the bench. Index 0
/// is the master of the scope in term 1, index 1 its backup.
class BenchNode {
 public:
  BenchNode(int index, const Workspace& workspace, PlaneKind plane);
  ~BenchNode();
  BenchNode(const BenchNode&) = delete;
  BenchNode& operator=(const BenchNode&) = delete;

  /// Called in the loop after every input; set before start().
  std::function<void()> settled = [] {};

  void start();
  /// Runs `act` in the loop, settles, and waits for the end.
  template <typename Act>
  auto run(Act act) {
    std::packaged_task<decltype(act())()> task(std::move(act));
    auto result = task.get_future();
    boost::asio::post(loop_, [this, &task] {
      task();
      settle();
    });
    return result.get();
  }
  /// In the loop, when its turn comes.
  template <typename Act>
  void post(Act act) {
    boost::asio::post(loop_, [this, act = std::move(act)] {
      act();
      settle();
    });
  }
  /// Lets the channel come up.
  void connect();
  /// In the loop: a host's IGMPv3 report for group `n`; one source or any.
  void report(std::uint32_t n, bool any_source);
  /// In the loop: hears IGMP through that socket, as the daemon does; `heard` is called after the
  /// node took a message.
  void listen(platform::io::GroupSocket& socket, std::function<void(ByteSpan)> heard);
  void unlisten() { group_watch_.reset(); }
  /// Reports for groups 0 to `count` - 1, then waits until the store has all of it.
  void fill(std::uint32_t count, bool any_source);

  // In the loop only.
  [[nodiscard]] ha::node::Node& node() { return *node_; }
  [[nodiscard]] const ha::node::Scope& scope() const { return *node_->scopes().at(kScope); }
  [[nodiscard]] std::size_t groups() const;
  /// Routes set in the plane, less those removed.
  [[nodiscard]] std::size_t routes() const { return routes_; }
  /// Newest sequence that the peer has acknowledged.
  [[nodiscard]] Sequence acked() const;
  [[nodiscard]] std::uint64_t bytes_received() const;
  /// When the first query left since forget_query(); default: none yet.
  [[nodiscard]] TimePoint query_sent() const { return query_sent_; }
  void forget_query() { query_sent_ = {}; }
  void settle();

  /// Processor time of the longest turn of the loop so far, microseconds.
  [[nodiscard]] double longest_turn_us() const { return longest_turn_us_; }
  void forget_longest_turn() { longest_turn_us_ = 0; }
  /// Processor time of the node's loop and of its store thread so far, milliseconds.
  [[nodiscard]] double loop_processor_ms() const { return processor_ms(loop_thread_id_); }
  [[nodiscard]] double store_processor_ms() const { return processor_ms(store_thread_id_); }
  /// Bytes of the store's files.
  [[nodiscard]] std::size_t store_bytes() const;
  [[nodiscard]] fwd::ForwardingPlane& plane() { return *plane_; }

 private:
  void open_plane(PlaneKind kind);
  void open_store(const Workspace& workspace);
  void loop();
  void set_timer();
  void take_replies();
  void act(ha::node::NodeEffect& effect);

  int index_;
  NodeId id_;
  boost::asio::io_context loop_{1};
  boost::asio::steady_timer timer_{loop_};
  std::filesystem::path store_directory_;
  std::unique_ptr<ha::node::Node> node_;
  std::unique_ptr<fwd::ForwardingPlane> plane_;
  std::unique_ptr<ha::daemon::ChannelLink> channels_;
  std::unique_ptr<checkpoint::store::StoreThread> store_;
  std::optional<platform::io::ReadableWatch> store_watch_;
  std::deque<checkpoint::StoreReply> replies_;
  std::optional<platform::io::ReadableWatch> group_watch_;
  TimePoint query_sent_{};
  std::size_t routes_ = 0;
  std::atomic<int> loop_thread_id_ = 0;
  int store_thread_id_ = 0;
  std::atomic<double> longest_turn_us_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// Two of them, connected on loopback when told to.
struct BenchPair {
  explicit BenchPair(PlaneKind plane);
  /// Starts both and waits until the backup's copy is complete and its routes are there.
  void sync(std::uint32_t groups);
  Workspace workspace;
  BenchNode master;
  BenchNode backup;
};

}  // namespace hotpair::bench
