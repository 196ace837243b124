#include "services/node/join_code.h"

#include <cstddef>

namespace attune::node {
namespace {

constexpr std::string_view kSymbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kLength = 8;
constexpr size_t kMaxTyped = 32;

}  // namespace

std::string NewJoinCode(RandomSource& random) {
  std::string code;
  for (size_t i = 0; i < kLength; ++i) {
    if (i == kLength / 2) code += '-';
    code += kSymbols[random.Below(kSymbols.size())];
  }
  return code;
}

std::optional<std::string> NormalizeJoinCode(std::string_view typed) {
  if (typed.size() > kMaxTyped) return std::nullopt;
  std::string code;
  size_t symbols = 0;
  for (char c : typed) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    if (kSymbols.find(c) == std::string_view::npos || symbols == kLength) return std::nullopt;
    if (symbols == kLength / 2) code += '-';
    code += c;
    ++symbols;
  }
  if (symbols != kLength) return std::nullopt;
  return code;
}

}  // namespace attune::node
