// The architectures this library runs.

#include "engine/longhand.h"
#include "loaders/model/arch_words.h"

namespace longhand {

std::vector<ArchitectureInfo> architectures() {
  std::vector<ArchitectureInfo> list;
  for (const ArchSpec* arch : all_archs()) list.push_back({arch->name, arch->models, words_of(*arch)});
  return list;
}

}  // namespace longhand
