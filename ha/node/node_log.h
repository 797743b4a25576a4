#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "ha/node/node.h"

/// Formatting of log effects; included by the edges only.
namespace hotpair::ha::node {

template <typename... Args>
void Node::log(const Message& message, Args&&... args) {
  effects_.push(WriteLog{&message, fmt::format(fmt::runtime(message.text), args...)});
}

template <typename... Args>
void Node::raise(const Message& message, const std::string& subject, TimePoint now,
                 Args&&... args) {
  std::string text = fmt::format(fmt::runtime(message.text), args...);
  if (alarms_.raise(message, subject, text, now))
    effects_.push(WriteLog{&message, std::move(text)});
}

/// The same for what may end by itself in a moment: an alarm once it has lasted for kAlarmHold.
template <typename... Args>
void Node::raise_if_it_lasts(const Message& message, const std::string& subject, TimePoint now,
                             Args&&... args) {
  static_cast<void>(alarms_.raise(
      message, subject, fmt::format(fmt::runtime(message.text), args...), now, kAlarmHold));
}

}  // namespace hotpair::ha::node
