#include "ha/cli/group_stream.h"

#include <utility>

#include "ha/cli/render_json.h"

namespace hotpair::ha::cli {
namespace {

class GroupText final : public TextSource {
 public:
  GroupText(std::unique_ptr<GmpGroupReader> reader, const GmpGroupQuery& query, TextOptions options)
      : reader_(std::move(reader)),
        family_(query.family),
        instance_(query.instance),
        options_(options) {}

  TextPiece next() override {
    const auto slice = reader_->next();
    TextPiece piece;
    for (const GmpGroup& each : slice.groups) {
      if (shown_ == 0) piece.text += groups_heading(instance_);
      if (shown_++ == 0 || each.interface != interface_)
        piece.text += groups_heading(each, family_, reader_->total(each.interface));
      interface_ = each.interface;
      piece.text += to_text(each, family_, options_);
    }
    piece.done = slice.done;
    if (piece.done) piece.text += groups_ending(family_, shown_, reader_->total());
    return piece;
  }

 private:
  std::unique_ptr<GmpGroupReader> reader_;
  Family family_;
  std::string instance_;
  TextOptions options_;
  std::string interface_;
  std::size_t shown_ = 0;
};

class GroupDocument final : public TextSource {
 public:
  GroupDocument(std::unique_ptr<GmpGroupReader> reader, const GmpGroupQuery& query)
      : reader_(std::move(reader)), family_(query.family), instance_(query.instance) {}

  TextPiece next() override {
    const auto slice = reader_->next();
    TextPiece piece;
    if (!slice.groups.empty() || slice.done) begin(piece.text);
    for (const GmpGroup& each : slice.groups) {
      piece.text += std::exchange(any_, true) ? ",\n" : "\n";
      piece.text += indented(to_json(each).dump(2));
    }
    piece.done = slice.done;
    if (piece.done) piece.text += (any_ ? "\n  " : "") + rest_;
    return piece;
  }

 private:
  // The document without groups, cut where they belong.
  void begin(std::string& text) {
    if (std::exchange(begun_, true)) return;
    GmpGroupsModel empty;
    empty.family = family_;
    empty.total = reader_->total();
    empty.instance = instance_;
    const std::string frame = to_json(empty).dump(2) + "\n";
    const std::size_t at = frame.find("[]") + 1;
    text = frame.substr(0, at);
    rest_ = frame.substr(at);
  }
  static std::string indented(const std::string& row) {
    std::string text = "    ";
    for (const char each : row) {
      text += each;
      if (each == '\n') text += "    ";
    }
    return text;
  }

  std::unique_ptr<GmpGroupReader> reader_;
  Family family_;
  std::string instance_;
  std::string rest_;
  bool begun_ = false;
  bool any_ = false;
};

}  // namespace

std::unique_ptr<TextSource> group_stream(std::unique_ptr<GmpGroupReader> reader,
                                         const GmpGroupQuery& query, bool json,
                                         TextOptions options) {
  if (json) return std::make_unique<GroupDocument>(std::move(reader), query);
  return std::make_unique<GroupText>(std::move(reader), query, options);
}

}  // namespace hotpair::ha::cli
