#include "platform/probe/receive_account.h"

#include <utility>

#include "platform/probe/probe_packet.h"

namespace hotpair::platform::probe {

ReceiveAccount::ReceiveAccount(Config config) : config_(std::move(config)) {}

void ReceiveAccount::on_datagram(const IpAddress& group, const IpAddress& source, ByteSpan bytes,
                                 TimePoint received_at) {
  const Result<Packet> packet = decode(bytes);
  const bool full = flows_.size() >= config_.flows_max;
  if (!packet || (full && !flows_.contains(Key{.group = group, .run = packet->run}))) {
    ++foreign_;
    return;
  }
  const auto [run, new_run] = runs_.try_emplace(packet->run);
  if (new_run) ++runs_open_;
  const FlowAccount::Config flow_config{.expect_from = config_.expect_from,
                                        .interval = std::chrono::microseconds(packet->interval_us)};
  const auto [at, new_flow] =
      flows_.try_emplace(Key{.group = group, .run = packet->run},
                         Flow{.source = source, .account = FlowAccount(flow_config)});
  FlowAccount& account = at->second.account;
  if (packet->type == PacketType::end) {
    if (!run->second.ended) --runs_open_;
    run->second = Run{.ended = true, .count = packet->sequence, .last_sent_at = packet->sent_at};
    account.on_end(packet->sequence, packet->sent_at);
    return;
  }
  account.on_packet(packet->sequence, packet->sent_at, received_at);
  ++live_.arrived;
}

LiveCounts ReceiveAccount::live() const {
  LiveCounts live = live_;
  for (const auto& [key, flow] : flows_) {
    live.lost += flow.account.lost();
    live.duplicates += flow.account.duplicates();
  }
  live.flows = flows_.size();
  return live;
}

ReceiveReport ReceiveAccount::report() const {
  std::multimap<IpAddress, FlowRow> heard;
  for (const auto& [key, flow] : flows_) {
    FlowAccount account = flow.account;
    const Run& run = runs_.at(key.run);
    if (run.ended) account.on_end(run.count, run.last_sent_at);
    heard.emplace(
        key.group,
        FlowRow{
            .group = key.group, .source = flow.source, .run = key.run, .flow = account.summary()});
  }
  ReceiveReport report;
  for (const Group& group : config_.groups) {
    const auto [from, to] = heard.equal_range(group.address());
    if (from == to) {
      report.rows.push_back(
          FlowRow{.group = group.address(), .source = std::nullopt, .run = 0, .flow = {}});
    }
    for (auto row = from; row != to; ++row) report.rows.push_back(row->second);
  }
  report.foreign = foreign_;
  report.total = sum_up(report.rows);
  return report;
}

}  // namespace hotpair::platform::probe
