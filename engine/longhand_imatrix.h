// Importance matrices: how large the inputs of each column of a model's matrices are on some text, which
// tells quantize() what matters. Part of the library longhand_make.
//
//   longhand::Session session(model, {.context = 512});
//   longhand::make_imatrix(session, model.encode(text), "imatrix.gguf", {.dataset = "text.txt"});
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/longhand.h"
#include "engine/types/progress.h"

namespace longhand {

struct ImatrixOptions {
  int chunks = 0;            ///< pieces of text to read, each as long as the session's context; 0: all
  bool output = false;       ///< also of the output head, which takes the logits of every token
  std::string dataset = {};  ///< the name of the text, which the file keeps
  std::string model = {};    ///< the file of the model and
  std::string text = {};     ///< that of the text, which are kept from being overwritten
  bool resume = false;       ///< goes on with the file that is there
  std::vector<std::string> merged = {};       ///< files whose sums are added once the text is read
  double save_seconds = 60;                   ///< the file is written that often while text is read
  std::function<void(double)> progress = {};  ///< told the share done, 0..1
};

struct ImatrixReport {
  std::int64_t chunks = 0;           ///< that were read, now and before
  std::int64_t tokens = 0;           ///< read now
  std::int64_t entries = 0;          ///< tensors
  std::vector<std::string> partial;  ///< tensors of which some experts saw no token
};

/// Reads a text in pieces of the session's context, each a text of its own that begins as the model wants;
/// what is left over is dropped. Writes the sums of squared inputs of every matrix, experts each by
/// themselves, to `out`, as a whole or not at all; other programs of the field read it too. A run that was
/// ended leaves what it had written last, and with `resume` a later one goes on from there to the same bytes.
/// The session is left without text. Throws Error: range (a text shorter than one piece, options, an `out`
/// that is read), mismatch (files of other models, pieces or texts), nonfinite (naming the tensor), cancelled
/// (by the session), io; and what reading files throws.
ImatrixReport make_imatrix(Session& session, std::span<const Token> tokens, const std::string& out,
                           const ImatrixOptions& options = {});
/// Adds the sums of several files up into `out`. Throws Error: mismatch, nonfinite, io; and what reading
/// files throws.
ImatrixReport merge_imatrix(const std::vector<std::string>& files, const std::string& out);

struct SensitivityOptions {
  int chunks = 2;               ///< pieces of text that are read for every tensor; 0: all
  LoadOptions load = {};        ///< of the model, which is loaded once for every tensor
  SessionOptions session = {};  ///< its context is the length of a piece; 0: 512
  double save_seconds = 60;     ///< the file is written that often
  Progress progress = {};
};

struct SensitivityReport {
  std::int64_t tensors = 0;    ///< whose sensitivity the file has now
  std::int64_t measured = 0;   ///< of these in this run
  std::int64_t positions = 0;  ///< of the text at which predictions were compared
};

/// Measures what errors of each tensor cost, for quantize() to choose types for a target: with the tensor
/// alone written in a type of some three bits, the divergence of what the model predicts on a text, over the
/// relative error of the tensor's products. That it grows in proportion for small errors, and adds up over
/// tensors, is the linearity theorem of arXiv 2411.17525. `model` is the first file of the model, `tokens` is
/// a text, and `importance` a file of make_imatrix(), to which the results are added; tensors that it has
/// results of, which must be of as many pieces, are left out, so that a run that was ended goes on. Takes a
/// reading of the text a tensor, and the memory of a loaded model. Throws Error: range (a text shorter than
/// one piece), mismatch (an importance matrix of another model or number of pieces), nonfinite (predictions,
/// naming the tensor), cancelled, io; and what loading the model throws.
SensitivityReport measure_sensitivity(const std::string& model, std::span<const Token> tokens,
                                      const std::string& importance, const SensitivityOptions& options = {});

/// Mean squared inputs of one tensor's columns, and how they are spread.
struct ImatrixStatistics {
  std::string tensor;
  int layer = -1;  ///< -1: of none
  std::int64_t columns = 0;
  double sum = 0, least = 0, most = 0, mean = 0, deviation = 0;
  double active = 0;      ///< share of columns above 1e-5
  double entropy = 0;     ///< of the columns' shares of the sum, in bits
  double outliers = 0;    ///< share of columns more than a deviation above the mean
  double similarity = 0;  ///< cosine with the same tensor of the layer before; 0: there is none
};
/// In the order of layers. Throws what reading files throws.
std::vector<ImatrixStatistics> imatrix_statistics(const std::string& path);

}  // namespace longhand
