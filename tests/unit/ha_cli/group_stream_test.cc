#include "ha/cli/group_stream.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ha/cli/render_json.h"

namespace hotpair::ha::cli {
namespace {

/// Gives a model out in slices, after two in which it only looks.
class ModelReader final : public GmpGroupReader {
 public:
  ModelReader(GmpGroupsModel model, std::size_t step) : model_(std::move(model)), step_(step) {}

  Slice next() override {
    Slice slice;
    if (++calls_ <= 2) return slice;
    const std::size_t end = std::min(at_ + step_, model_.groups.size());
    for (; at_ < end; ++at_) slice.groups.push_back(model_.groups[at_]);
    slice.done = at_ == model_.groups.size();
    return slice;
  }
  [[nodiscard]] std::size_t total() const override { return model_.total; }
  [[nodiscard]] std::size_t total(const std::string& interface) const override {
    return static_cast<std::size_t>(
        std::ranges::count(model_.groups, interface, &GmpGroup::interface));
  }

 private:
  GmpGroupsModel model_;
  std::size_t step_;
  std::size_t calls_ = 0;
  std::size_t at_ = 0;
};

GmpGroupsModel model_of(std::size_t groups, std::size_t left_out) {
  GmpGroupsModel model;
  model.total = groups + left_out;
  for (std::size_t i = 0; i < groups; ++i) {
    GmpGroup group{
        i < groups / 3 ? "Eth-Trunk1" : "GigabitEthernet0/1/2",
        IpAddress::v4(0x0a000001),
        {.link = LinkId{1},
         .group = *Group::from(IpAddress::v4(0xe1000000U + static_cast<std::uint32_t>(i)))}};
    group.row.last_reporter = IpAddress::v4(0x0a000002);
    group.row.uptime = std::chrono::seconds(i);
    if (i % 2 == 0) group.row.sources.push_back({IpAddress::v4(0x0a000003), true, false, true});
    model.groups.push_back(std::move(group));
  }
  return model;
}

std::string streamed(const GmpGroupsModel& model, std::size_t step, bool json, bool verbose) {
  GmpGroupQuery query;
  query.family = model.family;
  query.instance = model.instance;
  const auto source =
      group_stream(std::make_unique<ModelReader>(model, step), query, json, TextOptions{verbose});
  std::string text;
  for (int calls = 0; calls < 10'000; ++calls) {
    TextPiece piece = source->next();
    text += piece.text;
    if (piece.done) return text;
  }
  return "endless";
}

TEST(GroupStream, IsTheWholeByteForByte) {
  for (const std::size_t groups : {0U, 1U, 2U, 7U, 100U}) {
    for (const std::size_t left_out : {0U, 5U}) {
      if (groups == 0 && left_out != 0) continue;
      const GmpGroupsModel model = model_of(groups, left_out);
      for (const std::size_t step : {1U, 3U, 1000U}) {
        for (const bool verbose : {false, true})
          EXPECT_EQ(streamed(model, step, false, verbose), to_text(model, TextOptions{verbose}));
        EXPECT_EQ(streamed(model, step, true, false), to_json(model).dump(2) + "\n");
      }
    }
  }
}

}  // namespace
}  // namespace hotpair::ha::cli
