// Vectors and scores of texts, for the APIs that have them.
#pragma once

#include <string>
#include <vector>

#include "cli/serve/api/json.h"
#include "cli/serve/call.h"
#include "cli/serve/service.h"

namespace longhand::cli {

/// Texts of one request.
inline constexpr std::size_t kMostTexts = 2048;

struct Vectors {
  std::vector<std::vector<float>> values;
  int tokens = 0;
};

/// The vectors of the texts in a member of a request, which are as read_prompts() takes them. Throws
/// ApiError: a text that is too long (unless it may be cut), a model that makes scores, or a vector for each
/// token; Error: busy, and cancelled where the client leaves.
Vectors read_vectors(Service& service, const Call& call, const Fields& fields, const char* name,
                     bool may_cut);

/// How well each document answers the query: the classifier's score, or the cosine of the angle between two
/// vectors. Throws as above.
struct Scores {
  std::vector<float> values;
  int tokens = 0;
};
Scores score_documents(Service& service, const Call& call, const std::string& query,
                       const std::vector<std::string>& documents);

/// Its first `width` values, at length 1 again.
std::vector<float> shorten(std::vector<float> vector, std::size_t width);

}  // namespace longhand::cli
