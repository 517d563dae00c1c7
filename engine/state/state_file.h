// The file a session's state is kept in: a cache of work done, never the only copy of anything.
//
//   magic        8 bytes "LONGHAND"
//   version      u32, and 4 bytes 0
//   size         u64, of the whole file
//   sections     each: number u32, CRC-32C u32 (of number, length and content), length u64, content
//   size         u64, again
//
// Section 0 is what the state belongs to, as text: one "name value" a line, the model's fingerprint first.
// Section 1 is the text: u32 tokens in the memories, tokens written, first position served, number of tokens;
// then the token ids (i32). Section 2 + i is what layer i remembers. Numbers are little-endian.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapt/adaptation.h"
#include "engine/state/atomic_file.h"
#include "engine/state/state_source.h"
#include "engine/state/states.h"

namespace longhand {

/// What a state depends on, by name, as texts of one line. Only between equals can it be handed on.
using StateOwner = std::vector<std::pair<std::string, std::string>>;

/// Of a session: the model, every option that has a say in what memories hold, and what is computed beside
/// the model, which may be null. Threads, kernels and checkpoints have none.
StateOwner state_owner(const ModelData& model, const SessionOptions& options, const MemoryPlan& plan,
                       int context, int batch, const Adaptation* adaptation);

/// As a state has it: one "name value" a line.
std::string text_of(const StateOwner& owner);

/// A text, of which the memories hold the first `remembered` tokens.
struct StateText {
  std::vector<Token> tokens;
  int remembered = 0;
};

/// Bytes of what write_state() makes.
std::uint64_t state_bytes(const StateOwner& owner, const StateText& text, States& memories);

/// Puts the state in place of whatever file is at `path`, mode 0600. Throws Error(io), no_memory; then the
/// file is what it was, or, as with FileReplacement::commit(), the new one.
void write_state(const std::string& path, const StateOwner& owner, const StateText& text, States& memories,
                 FileCalls& calls = system_calls());
/// The same into memory. Throws Error: range (it has not just the room), no_memory.
void write_state(std::span<std::byte> to, const StateOwner& owner, const StateText& text, States& memories);

struct StateLimits {
  int vocab, context;
};

struct RestoredState {
  StateText text;
  States memories;
};

/// `make` gives memories that nothing was stored in or reserved for, and is called when the owner is the
/// right one. Throws Error: io, truncated, magic (not a state), version, corrupt (also what no session
/// writes), mismatch (it has another owner), no_memory, and what `make` throws.
RestoredState read_state(StateSource source, const StateOwner& owner, const StateLimits& limits,
                         const std::function<States()>& make);

/// Whose state it is (text_of), and of what text. What memories hold is not looked at. Throws Error: io,
/// truncated, magic, version, corrupt.
std::pair<std::string, StateText> read_state_text(StateSource source);

}  // namespace longhand
