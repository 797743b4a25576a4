// The first octet: bit 0 IPv6. Then steps, each an octet that says what happens and as many as that
// needs: PIM and Auto-RP messages, well-formed before some octets change, facts of routing and
// MRIB, records, roles, configuration, time. What must hold after each step is in engines.cc.
#include <chrono>

#include "tests/fuzz/pim_engines/engines.h"

namespace {

using namespace hotpair;
using namespace hotpair::fuzz;

constexpr std::size_t kStepsMax = 200;

void one_step(Engines& engines, Script& script) {
  switch (script.below(16)) {
    case 0:
      return engines.change_role(script);
    case 1:
      return engines.change_link(script);
    case 2:
      return engines.change_offers(script);
    case 3:
      return engines.wish(script);
    case 4:
      return engines.set_facts(script);
    case 5:
      return engines.see_data(script);
    case 6:
      return engines.take_record(script);
    case 7:
      return engines.answer_rpf(script);
    case 8:
      return engines.hear_auto_rp(script);
    case 9:
      return engines.pass(std::chrono::milliseconds(10) * script.u8());
    case 10:
      return engines.pass(std::chrono::seconds(script.u8()));
    case 11:
      return engines.pass_to_deadline();
    case 12:
      return engines.take_over_rps();
    case 13:
      return engines.change_bidir(script);
    default:
      return engines.hear_pim(script);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  if (bytes.empty()) return 0;
  const bool v6 = (std::to_integer<unsigned>(bytes[0]) & 1U) != 0;
  Script script(bytes.subspan(1), v6 ? Family::ipv6 : Family::ipv4);
  Engines engines(script.family());
  for (std::size_t step = 0; step < kStepsMax && script.more(); ++step) one_step(engines, script);
  engines.mute_all();
  for (int deadlines = 0; deadlines < 20; ++deadlines) engines.pass_to_deadline();
  return 0;
}
