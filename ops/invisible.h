// Characters that show nothing of their own but change what a reader sees.
#pragma once

namespace longhand {

/// What no text needs to be read: C0 and C1 controls, DEL, bidirectional embeddings,
/// overrides and isolates, deprecated format characters, interlinear annotations, tag characters.
bool is_control(char32_t code) noexcept;

/// Controls, and the marks that texts of some scripts rightly hold but that disguise a name: direction marks
/// (U+061C, U+200E, U+200F), line and paragraph separators, soft hyphen, zero-width space, word joiner and
/// its like, byte order mark. Joiners of emoji and Indic scripts (U+200C, U+200D) are none of these.
bool is_invisible(char32_t code) noexcept;

}  // namespace longhand
