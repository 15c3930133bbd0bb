// Any bytes as a file of packets and as a plain stream of every generation:
// decoded and validated without a fault; what the validator accepts is made of
// allowed packets only, and writing its commands again gives the same words.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "backends/amdgpu/pm4/decoder.h"
#include "backends/amdgpu/stream_file.h"

using namespace sporkle;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_accepted(std::span<const uint32_t> words, pm4::Generation generation) {
  std::vector<uint32_t> again(words.size());
  pm4::Writer writer(again);
  std::span<const uint32_t> left = words;
  while (!left.empty()) {
    pm4::Packet packet;
    require(pm4::take_packet(left, generation, &packet) == nullptr);
    require(packet.row != nullptr && packet.row->allowed && packet.flags == 0);
    pm4::write_command(pm4::read_command(packet, generation), generation, &writer);
    left = left.subspan(packet.words.size());
  }
  require(!writer.overflow() && writer.used() == words.size());
  require(std::memcmp(again.data(), words.data(), words.size_bytes()) == 0);
}

void check_text(std::span<const uint32_t> words, pm4::Generation generation) {
  char text[512];
  std::memset(text, 'x', sizeof text);
  const size_t length = pm4::decode(words, generation, text, sizeof text);
  require(std::memchr(text, '\0', sizeof text) != nullptr);
  require(length >= std::strlen(text));
}

void check_stream(const pm4::Registry& registry, pm4::StreamKind kind,
                  std::span<const uint32_t> words) {
  pm4::Validator validator(registry);
  pm4::ValidatedStream stream;
  pm4::Refusal refusal;
  check_text(words, registry.target.generation);
  if (validator.check(words, kind, &stream, &refusal)) {
    require(stream.words().data() == words.data() && stream.words().size() == words.size());
    check_accepted(words, registry.target.generation);
  } else {
    require(refusal.dword <= words.size() && refusal.reason.text[0] != '\0');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exact size lets the sanitizer see a read beyond the end.
  std::vector<uint32_t> words((size + 3) / 4);
  if (size > 0) std::memcpy(words.data(), data, size);
  auto file = std::make_unique<amdgpu::StreamFile>();
  Reason why;
  if (amdgpu::read_stream_file({reinterpret_cast<unsigned char*>(words.data()), size}, file.get(),
                               &why)) {
    check_stream(file->registry(), file->kind, file->words);
    std::vector<unsigned char> again(size);
    require(amdgpu::write_stream_file(*file, again.data(), size) == size);
    require(size == 0 || std::memcmp(again.data(), data, size) == 0);
  } else {
    require(why.text[0] != '\0');
  }
  for (const uint32_t processor : {0x900u, 0x90au, 0x1030u, 0x1100u, 0x1201u}) {
    pm4::Registry registry{};
    require(pm4::find_target(processor, &registry.target));
    check_stream(registry, pm4::StreamKind::ring, {words.data(), size / 4});
  }
  return 0;
}
