#include "backends/amdgpu/pm4/decoder.h"

#include <cstdio>

#include "backends/amdgpu/pm4/commands.h"
#include "backends/amdgpu/pm4/text.h"

namespace sporkle::pm4 {

namespace {

constexpr int name_width = 30;

// The fields of one word that are not zero, then the bits that belong to none.
void print_fields(Rows rows, uint32_t dword, Generation g, uint32_t word, Text* text) {
  uint32_t rest = word;
  const char* before = "  ";
  for (const FieldRow& row : rows) {
    const uint32_t bits = row.mask[static_cast<int>(g)];
    if (row.dword != dword || (word & bits) == 0) continue;
    text->print("%s%s=%u", before, row.name, (word & bits) >> std::countr_zero(bits));
    before = " ";
    rest &= ~bits;
  }
  if (rest != 0) text->print("%sRESERVED=0x%08x", before, rest);
}

void print_word(uint32_t where, uint32_t word, const char* name, Text* text) {
  text->print("%6u  %08x    %-*s", where, word, name_width, name);
}

void print_plain(uint32_t where, uint32_t word, const char* name, Text* text) {
  print_word(where, word, name, text);
  text->print("  %u\n", word);
}

void print_register(uint32_t where, uint32_t word, uint32_t address, Generation g, Text* text) {
  const Register reg = find_register(address, g);
  char name[32];
  std::snprintf(name, sizeof name, "register 0x%04x ?", address);
  print_word(where, word, reg == Register::none ? name : register_name(reg), text);
  const Rows rows = reg == Register::none ? Rows{nullptr, nullptr} : fields_of(reg);
  if (rows.begin() != rows.end()) {
    print_fields(rows, 0, g, word, text);
  } else {
    text->print("  0x%x", word);
  }
  text->print("\n");
}

void print_set(std::span<const uint32_t> w, uint32_t at, Generation g, Text* text) {
  print_word(at + 1, w[1], "offset", text);
  text->print("  register 0x%04x%s\n", SH_REG_START + (w[1] & 0xffff),
              w[1] >> 16 ? ", high bits set" : "");
  for (uint32_t i = 2; i < w.size(); ++i) {
    print_register(at + i, w[i], SH_REG_START + (w[1] & 0xffff) + i - 2, g, text);
  }
}

// Names of payload dwords that are whole values.
const char* word_name(Opcode opcode, uint32_t dword) {
  static constexpr const char* acquire[] = {"", "caches", "size low", "size high", "base low",
                                            "base high", "poll interval", "GCR_CNTL"};
  static constexpr const char* release[] = {"", "event", "select", "address low", "address high",
                                            "data low", "data high", "context id"};
  static constexpr const char* dispatch[] = {"", "groups x", "groups y", "groups z",
                                             "COMPUTE_DISPATCH_INITIATOR"};
  static constexpr const char* indirect[] = {"", "address low", "address high", "control"};
  static constexpr const char* write[] = {"", "control", "address low", "address high"};
  switch (opcode) {
    case Opcode::ACQUIRE_MEM: return dword < std::size(acquire) ? acquire[dword] : "";
    case Opcode::RELEASE_MEM: return dword < std::size(release) ? release[dword] : "";
    case Opcode::DISPATCH_DIRECT: return dword < std::size(dispatch) ? dispatch[dword] : "";
    case Opcode::INDIRECT_BUFFER: return dword < std::size(indirect) ? indirect[dword] : "";
    case Opcode::WRITE_DATA: return dword < std::size(write) ? write[dword] : "data";
    case Opcode::EVENT_WRITE: return "event";
    default: return "";
  }
}

bool has_fields(Rows rows, uint32_t dword, Generation g) {
  for (const FieldRow& row : rows) {
    if (row.dword == dword && row.mask[static_cast<int>(g)] != 0) return true;
  }
  return false;
}

void print_payload(const Packet& packet, uint32_t at, Generation g, Text* text) {
  const auto opcode = static_cast<Opcode>(packet.opcode);
  const Rows rows = packet.row != nullptr ? fields_of(opcode) : Rows{nullptr, nullptr};
  for (uint32_t i = 1; i < packet.words.size(); ++i) {
    const uint32_t word = packet.words[i];
    const bool initiator = opcode == Opcode::DISPATCH_DIRECT && i == 4;
    if (initiator || has_fields(rows, i, g)) {
      print_word(at + i, word, word_name(opcode, i), text);
      print_fields(initiator ? fields_of(Register::COMPUTE_DISPATCH_INITIATOR) : rows,
                   initiator ? 0 : i, g, word, text);
      text->print("\n");
    } else {
      print_plain(at + i, word, word_name(opcode, i), text);
    }
  }
}

void print_packet(const Packet& packet, uint32_t at, Generation g, Text* text) {
  const auto dwords = static_cast<uint32_t>(packet.words.size());
  text->print("%6u  %08x  ", at, packet.words[0]);
  if (packet.row != nullptr) {
    text->print("%s", packet.row->name);
  } else {
    text->print("opcode 0x%02x ?", packet.opcode);
  }
  text->print("  %u dword%s", dwords, dwords == 1 ? "" : "s");
  if (packet.flags != 0) text->print("  header flags 0x%02x", packet.flags);
  text->print("\n");
  if (packet.row != nullptr && packet.row->opcode == Opcode::SET_SH_REG) {
    print_set(packet.words, at, g, text);
  } else {
    print_payload(packet, at, g, text);
  }
}

}  // namespace

size_t decode(std::span<const uint32_t> stream, Generation g, char* text, size_t capacity) {
  Text out(text, capacity);
  uint32_t at = 0;
  while (at < stream.size()) {
    Packet packet;
    const char* fault = take_packet(stream.subspan(at), g, &packet);
    if (fault == nullptr) {
      print_packet(packet, at, g, &out);
    } else {
      const char* name = packet.row != nullptr ? packet.row->name : "?";
      out.print("%6u  %08x  %s  ! %s\n", at, stream[at], name, fault);
      packet.words = stream.subspan(at, 1);
    }
    at += static_cast<uint32_t>(packet.words.size());
  }
  return out.length();
}

}  // namespace sporkle::pm4
