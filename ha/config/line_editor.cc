#include "ha/config/line_editor.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace hotpair::ha::config {
namespace {

constexpr std::size_t kSectionsMax = 1'000;
constexpr std::size_t kInactiveLinesMax = 2'000;

// The view that would take a line which is wrong here.
std::optional<View> home_of(std::span<const Word> words, View here, bool undo) {
  for (const View other :
       {View::etrunk, View::ssl_policy, View::service, View::profile, View::interface, View::pim,
        View::pim_ipv6, View::bfd_session, View::vrf})
    if (other != here && config_grammar().match(static_cast<std::uint8_t>(other), words, undo))
      return other;
  return std::nullopt;
}

}  // namespace

bool is_undo(const Word& word) { return word.text == "undo" || word.text == "no"; }

Diagnostics LineEditor::line(std::span<const Word> words, SourceLine at, Follow follow) {
  editor_.complaints.clear();
  header_refused_ = false;
  editor_.undo = words.size() > 1 && is_undo(words.front());
  if (editor_.undo) words = words.subspan(1);
  editor_.line = at;
  const View here = editor_.view;
  View read_in = here;
  const Grammar& grammar = config_grammar();
  auto found = grammar.match(static_cast<std::uint8_t>(here), words, editor_.undo);
  if (!found && here != View::system && follow == Follow::to_system_view) {
    auto above = grammar.match(static_cast<std::uint8_t>(View::system), words, editor_.undo);
    // A value that is wrong there says more than a word that is unknown here.
    if (above || (above.error().at_home && above.error().word > found.error().word)) {
      if (above) editor_.leave();
      found = std::move(above);
      read_in = View::system;
    }
  }
  if (found)
    matched(*found);
  else
    explain(words, found.error(), read_in);
  for (Diagnostic& each : editor_.complaints) {
    each.line = at;
    if (found) each.column = words.front().column;
  }
  return std::move(editor_.complaints);
}

void LineEditor::matched(const Match& match) {
  const ConfigRow& row = config_rows()[match.row];
  const std::string& text = match.text;
  switch (row.kind) {
    case RowKind::not_active:
    case RowKind::foreign:
      keep_line(row, text);
      return;
    case RowKind::section:
    case RowKind::later_section:
      open_section(row, text);
      return;
    case RowKind::active:
      break;
  }
  const bool needs_name = editor_.undo && row.syntax.find("name:") != std::string_view::npos &&
                          editor_.view == View::system && !match.values.has("name");
  const bool needs_id = editor_.undo && row.syntax == "e-trunk id:1-1024" &&
                        editor_.view == View::system && !match.values.has("id");
  if ((needs_name && row.apply != nullptr && row.multi) || needs_id) {
    editor_.refuse(fmt::format("'undo {}' must say which one", text));
    return;
  }
  row.apply(editor_, match.values);
}

void LineEditor::keep_line(const ConfigRow& row, const std::string& text) {
  auto& kept = editor_.config.inactive;
  const auto replaced = [&](const InactiveLine& each) {
    const bool same_row = each.path == editor_.path && each.rule == row.syntax;
    return same_row &&
           (!row.multi || each.text == text || (editor_.undo && each.text.starts_with(text)));
  };
  if (!editor_.undo && kept.size() >= kInactiveLinesMax &&
      std::none_of(kept.begin(), kept.end(), replaced)) {
    editor_.refuse(fmt::format("more than {} lines without an engine", kInactiveLinesMax));
    return;
  }
  std::erase_if(kept, replaced);
  if (editor_.undo) return;
  InactiveLine made;
  made.kind =
      row.kind == RowKind::foreign ? InactiveLine::Kind::foreign : InactiveLine::Kind::not_active;
  made.path = editor_.path;
  made.rule = std::string(row.syntax);
  made.text = text;
  made.line = editor_.line;
  kept.push_back(std::move(made));
}

void LineEditor::open_section(const ConfigRow& row, const std::string& header) {
  auto& sections = editor_.config.foreign;
  const auto found =
      std::find_if(sections.begin(), sections.end(),
                   [&](const ForeignSection& each) { return each.header == header; });
  if (editor_.undo) {
    if (found != sections.end()) sections.erase(found);
    return;
  }
  if (found == sections.end() && sections.size() >= kSectionsMax) {
    editor_.refuse(fmt::format("more than {} sections of other programs", kSectionsMax));
    return;
  }
  editor_.leave();
  section_ = static_cast<std::size_t>(found - sections.begin());
  if (found != sections.end()) return;
  ForeignSection made;
  made.kind =
      row.kind == RowKind::section ? InactiveLine::Kind::foreign : InactiveLine::Kind::not_active;
  made.rule = std::string(row.syntax);
  made.header = header;
  made.line = editor_.line;
  sections.push_back(std::move(made));
}

void LineEditor::explain(std::span<const Word> words, const MatchError& error, View view) {
  header_refused_ = error.at_home && words.size() > 1 && words[0].text.size() > 2 &&
                    std::string_view("interface").starts_with(words[0].text) && !editor_.undo;
  if (header_refused_) editor_.leave();
  editor_.refuse(header_refused_ ? error.message
                                 : error.message + fmt::format(" in view {}", name_of(view)));
  Diagnostic& made = editor_.complaints.back();
  if (!header_refused_) made.expected = error.expected;
  made.nearest = error.nearest;
  if (error.word < words.size()) {
    made.word = words[error.word].text;
    made.column = words[error.word].column;
  } else {
    const Word& last = words.back();
    made.column = last.column + static_cast<std::uint32_t>(last.text.size());
  }
  if (error.at_home) return;
  if (const auto other = home_of(words, view, editor_.undo))
    made.message += fmt::format(" (it belongs to view {})", name_of(*other));
}

void LineEditor::sort_kept() {
  auto& inactive = editor_.config.inactive;
  std::sort(inactive.begin(), inactive.end(), [](const InactiveLine& a, const InactiveLine& b) {
    return std::tie(a.path, a.rule, a.text) < std::tie(b.path, b.rule, b.text);
  });
  auto& foreign = editor_.config.foreign;
  const std::string open = section_ ? foreign[*section_].header : std::string();
  std::sort(foreign.begin(), foreign.end(), [](const ForeignSection& a, const ForeignSection& b) {
    return std::tie(a.rule, a.header) < std::tie(b.rule, b.header);
  });
  if (!section_) return;
  const auto again = std::find_if(foreign.begin(), foreign.end(),
                                  [&](const auto& each) { return each.header == open; });
  section_ = static_cast<std::size_t>(again - foreign.begin());
}

void LineEditor::rebase(Config base) {
  const std::string open = section_ ? section() : std::string();
  section_.reset();
  editor_.config = std::move(base);
  const Config& config = editor_.config;
  const bool gone =
      (editor_.view == View::etrunk && config.find_etrunk(editor_.etrunk_id) == nullptr) ||
      (editor_.view == View::ssl_policy && config.find_ssl_policy(editor_.name) == nullptr) ||
      (editor_.view == View::service && config.find_service(editor_.name) == nullptr) ||
      (editor_.view == View::bfd_session && config.find_bfd_session(editor_.name) == nullptr) ||
      (editor_.view == View::profile && config.find_profile(editor_.name) == nullptr) ||
      (!editor_.vrf.empty() && config.find_vrf(editor_.vrf) == nullptr) ||
      (editor_.view == View::interface &&
       config.find_interface(editor_.interface_name.name) == nullptr);
  if (gone) editor_.leave();
  for (std::size_t i = 0; i < config.foreign.size(); ++i)
    if (!open.empty() && config.foreign[i].header == open) section_ = i;
}

Config LineEditor::take() {
  sort_kept();
  return std::move(editor_.config);
}

}  // namespace hotpair::ha::config
