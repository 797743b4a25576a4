#include "platform/probe/probe_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace hotpair::platform::probe {
namespace {

constexpr std::size_t rows_shown = 20;

double ms(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }
std::int64_t ns(TimePoint at) { return at.time_since_epoch().count(); }

using Out = std::back_insert_iterator<std::string>;

/// Joins the JSON of many items with commas.
template <typename Items, typename Print>
std::string list(const Items& items, Print print) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ',';
    text += print(item);
  }
  return "[" + text + "]";
}

std::string optional_ns(const std::optional<TimePoint>& at) {
  return at ? std::to_string(ns(*at)) : "null";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

std::string loss_json(const Loss& loss) {
  return fmt::format(
      R"({{"first":{},"packets":{},"begin_ns":{},"end_ns":{},"gap_ms":{:.3f},"open":{}}})",
      loss.first, loss.packets, ns(loss.begin), ns(loss.end), ms(loss.gap()), loss.open);
}

std::string gap_json(const Gap& gap) {
  return fmt::format(R"({{"begin_ns":{},"ms":{:.3f}}})", ns(gap.begin), ms(gap.length));
}

std::string pause_json(const Pause& pause) {
  return fmt::format(R"({{"begin_ns":{},"ms":{:.3f}}})", ns(pause.begin), ms(pause.length));
}

/// The words that a flow and the total have in common.
std::string worst_json(const std::optional<Loss>& loss, const std::optional<Gap>& gap,
                       TimePoint started_at) {
  const std::string began =
      loss ? fmt::format("{:.3f}", ms(loss->begin - started_at)) : std::string("null");
  return fmt::format(
      R"("longest_loss_packets":{},"longest_loss_ms":{:.3f},"longest_loss_offset_ms":{},)"
      R"("longest_loss":{},"longest_gap_ms":{:.3f},"longest_gap":{})",
      loss ? loss->packets : 0, loss ? ms(loss->gap()) : 0.0, began,
      loss ? loss_json(*loss) : "null", gap ? ms(gap->length) : 0.0, gap ? gap_json(*gap) : "null");
}

std::string row_json(const FlowRow& row, TimePoint started_at) {
  const FlowSummary& flow = row.flow;
  return fmt::format(
      R"({{"group":"{}","source":{},"run":"{:016x}","expected":{},"received":{},"lost":{},)"
      R"("duplicates":{},"reordered":{},"ended":{},"next_sequence":{},"highest_sent_ns":{},)"
      R"({},"first_ns":{},"last_ns":{},"losses":{},"gaps":{},"duplicate_times_ns":{}}})",
      row.group.to_string(), row.source ? quoted(row.source->to_string()) : "null", row.run,
      flow.expected, flow.received, flow.lost, flow.duplicates, flow.reordered, flow.ended,
      flow.next_sequence, ns(flow.highest_sent_at),
      worst_json(flow.longest_loss, flow.longest_gap, started_at), optional_ns(flow.first_arrival),
      optional_ns(flow.last_arrival), list(flow.losses, loss_json), list(flow.gaps, gap_json),
      list(flow.duplicate_times, [](TimePoint at) { return std::to_string(ns(at)); }));
}

bool worth_a_row(const FlowRow& row) {
  const FlowSummary& flow = row.flow;
  return !row.source || flow.lost != 0 || flow.duplicates != 0 || flow.reordered != 0;
}

void print_loss(Out out, const std::optional<Loss>& loss, TimePoint started_at) {
  if (!loss) {
    fmt::format_to(out, " {:>8} {:>9} {:>10}", "-", "-", "-");
    return;
  }
  fmt::format_to(out, " {:>8} {:>9.1f} {:>+9.3f}s{}", loss->packets, ms(loss->gap()),
                 ms(loss->begin - started_at) / 1e3, loss->open ? " never back" : "");
}

void print_flow(Out out, const FlowRow& row, TimePoint started_at) {
  const FlowSummary& flow = row.flow;
  fmt::format_to(out, "{:<24} {:<16}", row.group.to_string(),
                 row.source ? row.source->to_string() : "silent");
  fmt::format_to(out, " {:>9} {:>9} {:>7} {:>6} {:>7} {:>9.1f}", flow.expected, flow.received,
                 flow.lost, flow.duplicates, flow.reordered,
                 flow.longest_gap ? ms(flow.longest_gap->length) : 0.0);
  print_loss(out, flow.longest_loss, started_at);
  fmt::format_to(out, "\n");
}

void print_pauses(Out out, const std::vector<Pause>& pauses) {
  if (pauses.empty()) return;
  const auto longest = std::ranges::max_element(pauses, {}, &Pause::length);
  fmt::format_to(
      out, "this program was paused {} times, {:.1f} ms at the longest: gaps may be its own\n",
      pauses.size(), ms(longest->length));
}

}  // namespace

FlowTotal sum_up(const std::vector<FlowRow>& rows) {
  FlowTotal total;
  for (const FlowRow& row : rows) {
    if (!row.source || row.flow.expected == 0) {
      ++total.silent;
      continue;
    }
    const FlowSummary& flow = row.flow;
    ++total.flows;
    total.unended += flow.ended ? 0 : 1;
    total.expected += flow.expected;
    total.received += flow.received;
    total.lost += flow.lost;
    total.duplicates += flow.duplicates;
    total.duplicates_max = std::max(total.duplicates_max, flow.duplicates);
    total.reordered += flow.reordered;
    if (!flow.losses.empty() && flow.losses.back().open) ++total.stopped;
    if (flow.longest_loss &&
        (!total.longest_loss || total.longest_loss->gap() < flow.longest_loss->gap())) {
      total.longest_loss = flow.longest_loss;
    }
    if (flow.longest_gap &&
        (!total.longest_gap || total.longest_gap->length < flow.longest_gap->length)) {
      total.longest_gap = flow.longest_gap;
    }
  }
  return total;
}

std::string to_text(const ReceiveReport& report, bool every_group) {
  std::string text;
  const Out out = std::back_inserter(text);
  fmt::format_to(out, "{:<24} {:<16} {:>9} {:>9} {:>7} {:>6} {:>7} {:>9} {:>8} {:>9} {:>10}\n",
                 "group", "source", "expected", "received", "lost", "dupl", "reorder", "gap ms",
                 "lost run", "ms", "began");
  std::size_t shown = 0;
  std::size_t hidden = 0;
  for (const FlowRow& row : report.rows) {
    const bool wanted =
        every_group || report.rows.size() <= rows_shown || (worth_a_row(row) && shown < rows_shown);
    if (wanted) {
      print_flow(out, row, report.started_at);
      ++shown;
    } else {
      ++hidden;
    }
  }
  if (hidden != 0) fmt::format_to(out, "({} more groups: --all-groups shows them)\n", hidden);
  const FlowTotal& total = report.total;
  fmt::format_to(out, "{:<24} {:<16} {:>9} {:>9} {:>7} {:>6} {:>7} {:>9.1f}",
                 fmt::format("total of {} streams", total.flows),
                 total.silent != 0 ? fmt::format("{} silent", total.silent) : "", total.expected,
                 total.received, total.lost, total.duplicates, total.reordered,
                 total.longest_gap ? ms(total.longest_gap->length) : 0.0);
  print_loss(out, total.longest_loss, report.started_at);
  fmt::format_to(out, "\n");
  if (total.unended != 0) {
    fmt::format_to(
        out, "{} streams without a known end: losses after their last packet are not counted\n",
        total.unended);
  }
  if (report.socket_dropped != 0) {
    fmt::format_to(
        out, "{} packets were dropped in this program's own sockets: not the network's loss\n",
        report.socket_dropped);
  }
  if (report.foreign != 0) fmt::format_to(out, "{} foreign datagrams\n", report.foreign);
  print_pauses(out, report.pauses);
  return text;
}

std::string to_text(const SendReport& report, bool every_group) {
  std::string text;
  const Out out = std::back_inserter(text);
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;
  for (const SentRow& row : report.rows) {
    sent += row.sent;
    failed += row.failed;
    if (every_group || row.failed != 0) {
      fmt::format_to(out, "{:<24} sent {:>9} failed {}\n", row.group.to_string(), row.sent,
                     row.failed);
    }
  }
  fmt::format_to(out,
                 "sent {} packets to {} groups in {:.3f} s, {} failed, at most {:.1f} ms late\n",
                 sent, report.rows.size(), ms(report.ended_at - report.started_at) / 1e3, failed,
                 ms(report.lateness_max));
  print_pauses(out, report.pauses);
  return text;
}

std::string to_json(const ReceiveReport& report) {
  const FlowTotal& total = report.total;
  std::string text = fmt::format(
      R"({{"probe":"receive","version":1,"interface":{},"port":{},"started_ns":{},"ended_ns":{},)"
      R"("foreign":{},"socket_dropped":{},"pauses":{},)",
      quoted(report.interface), report.port, ns(report.started_at), ns(report.ended_at),
      report.foreign, report.socket_dropped, list(report.pauses, pause_json));
  text += fmt::format(
      R"("total":{{"streams":{},"silent":{},"unended":{},"stopped":{},"expected":{},"received":{},)"
      R"("lost":{},"duplicates":{},"duplicates_max":{},"reordered":{},{}}},)",
      total.flows, total.silent, total.unended, total.stopped, total.expected, total.received,
      total.lost, total.duplicates, total.duplicates_max, total.reordered,
      worst_json(total.longest_loss, total.longest_gap, report.started_at));
  text += R"("groups":)" + list(report.rows, [&](const FlowRow& row) {
            return "\n" + row_json(row, report.started_at);
          });
  return text + "}\n";
}

std::string to_json(const SendReport& report) {
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;
  for (const SentRow& row : report.rows) {
    sent += row.sent;
    failed += row.failed;
  }
  std::string text = fmt::format(
      R"({{"probe":"send","version":1,"interface":{},"port":{},"run":"{:016x}",)"
      R"("interval_ms":{:.6f},"size":{},"started_ns":{},"ended_ns":{},)"
      R"("lateness_max_ms":{:.3f},"pauses":{},)"
      R"("total":{{"streams":{},"sent":{},"failed":{}}},"groups":)",
      quoted(report.interface), report.port, report.run, ms(report.interval), report.size,
      ns(report.started_at), ns(report.ended_at), ms(report.lateness_max),
      list(report.pauses, pause_json), report.rows.size(), sent, failed);
  text += list(report.rows, [](const SentRow& row) {
    return fmt::format(
        "\n"
        R"({{"group":"{}","sent":{},"failed":{}}})",
        row.group.to_string(), row.sent, row.failed);
  });
  return text + "}\n";
}

}  // namespace hotpair::platform::probe
