// How fast this machine reads memory, which is what bounds the writing of tokens.
#pragma once

namespace longhand::cli {

/// Bytes a second that `threads` threads together read from memory, best of a few passes; 0 where there is
/// too little memory to measure.
double read_bandwidth(int threads);

}  // namespace longhand::cli
