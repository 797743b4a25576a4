#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "eth_trunk.skel.h"
#include "platform/kernel/eth_trunk.h"
#include "platform/kernel/eth_trunk_maps.h"

namespace hotpair::platform::kernel {

/// The loaded Eth-Trunk programs and their maps. The maps are the only memory of the trunks, so
/// adopted maps need nothing else. For eth_trunk.cc.
class TrunkObject {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TrunkObject>> create(int gate_words_fd,
                                                                   std::uint32_t slots);
  [[nodiscard]] static Result<std::unique_ptr<TrunkObject>> adopt(int gate_words_fd,
                                                                  const EthTrunks::KeptMaps& maps);

  [[nodiscard]] std::uint32_t slots() const { return slots_; }
  [[nodiscard]] EthTrunkDescriptors descriptors() const;
  [[nodiscard]] std::uint64_t word(std::uint32_t slot) const;
  /// What the programs make of the gate word now.
  [[nodiscard]] bool gate_open(std::uint32_t gate_slot) const;

  /// nullopt for a slot that does not exist.
  [[nodiscard]] std::optional<hotpair_trunk> trunk(std::uint32_t slot) const;
  [[nodiscard]] Result<void> store(std::uint32_t slot, const hotpair_trunk& trunk);
  [[nodiscard]] Result<EthTrunkCounters> counters(std::uint32_t slot) const;
  void clear_counters(std::uint32_t slot);

  [[nodiscard]] std::optional<hotpair_trunk_port> port(Ifindex interface) const;
  [[nodiscard]] Result<void> store(Ifindex interface, const hotpair_trunk_port& port);
  void forget(Ifindex interface);

  [[nodiscard]] int send_program() const;
  [[nodiscard]] int receive_program() const;
  [[nodiscard]] int guard_program() const;

 private:
  struct Close {
    void operator()(hotpair_eth_trunk* object) const { hotpair_eth_trunk__destroy(object); }
  };
  using Skeleton = std::unique_ptr<hotpair_eth_trunk, Close>;
  TrunkObject(Skeleton loaded, std::uint32_t slots) : object_(std::move(loaded)), slots_(slots) {}
  template <typename Prepare>
  [[nodiscard]] static Result<Skeleton> load(int gate_words_fd, const Prepare& prepare);

  Skeleton object_;
  std::uint32_t slots_ = 0;
};

}  // namespace hotpair::platform::kernel
