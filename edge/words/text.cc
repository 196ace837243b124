#include "edge/words/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace attune::edge {
namespace {

constexpr uint32_t kReplacement = 0xfffd;
constexpr int kMostMarksOnALetter = 2;

struct Range {
  uint32_t first;
  uint32_t last;
};

// Unicode 15, East Asian Width W and F, and emoji with emoji presentation. Ascending.
constexpr auto kWide = std::to_array<Range>({
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1b000, 0x1b2ff},
    {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a},
    {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393},
    {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4},
    {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d},
    {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596},
    {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc},
    {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6d7}, {0x1f6dc, 0x1f6df}, {0x1f6eb, 0x1f6ec},
    {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945},
    {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
});

// Marks that sit on the letter before them (the common blocks). Ascending.
constexpr auto kCombining = std::to_array<Range>({
    {0x0300, 0x036f}, {0x0483, 0x0489},   {0x0591, 0x05bd}, {0x05bf, 0x05bf}, {0x05c1, 0x05c2},
    {0x05c4, 0x05c5}, {0x0610, 0x061a},   {0x064b, 0x065f}, {0x0670, 0x0670}, {0x06d6, 0x06dc},
    {0x0711, 0x0711}, {0x0730, 0x074a},   {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0941, 0x0948},
    {0x094d, 0x094d}, {0x0e31, 0x0e31},   {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},   {0x302a, 0x302d}, {0x3099, 0x309a}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
});

// Invisible, or able to turn the direction of the line. Ascending.
constexpr auto kUnwanted = std::to_array<Range>({
    {0x00ad, 0x00ad},
    {0x034f, 0x034f},
    {0x061c, 0x061c},
    {0x115f, 0x1160},
    {0x17b4, 0x17b5},
    {0x180b, 0x180f},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0x3164, 0x3164},
    {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},
    {0x1d173, 0x1d17a},
    {0xe0000, 0xe00ff},
});

template <size_t N>
bool In(const std::array<Range, N>& ranges, uint32_t code_point) {
  const auto it = std::lower_bound(ranges.begin(), ranges.end(), code_point,
                                   [](const Range& r, uint32_t c) { return r.last < c; });
  return it != ranges.end() && it->first <= code_point;
}

// The code point at the head of `text` and its length in bytes; {kReplacement, 1} when invalid.
std::pair<uint32_t, size_t> Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {kReplacement, 1};
  uint32_t code_point = first & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {kReplacement, 1};
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < kSmallest[length] || code_point > 0x10ffff || surrogate) {
    return {kReplacement, 1};
  }
  return {code_point, length};
}

}  // namespace

int CodePointWidth(uint32_t code_point) {
  if (code_point < 0x300) return 1;
  if (In(kCombining, code_point)) return 0;
  return In(kWide, code_point) ? 2 : 1;
}

int Width(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const auto [code_point, length] = Decode(text);
    columns += CodePointWidth(code_point);
    text.remove_prefix(length);
  }
  return columns;
}

std::string Harmless(std::string_view text, bool ascii) {
  std::string out;
  int marks = kMostMarksOnALetter;  // none may begin the text: it would sit on what stands before
  while (!text.empty()) {
    const auto [code_point, length] = Decode(text);
    const std::string_view bytes = text.substr(0, length);
    text.remove_prefix(length);
    const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
    const bool invalid = code_point == kReplacement && length == 1;
    if (In(kUnwanted, code_point)) continue;
    if (CodePointWidth(code_point) == 0) {
      if (!ascii && marks++ < kMostMarksOnALetter) out += bytes;
      continue;
    }
    marks = 0;
    if (control || invalid) {
      out += ascii ? "?" : "\uFFFD";
    } else if (ascii && code_point >= 0x80) {
      out += '?';
    } else {
      out += bytes;
    }
  }
  return out;
}

std::string Cut(std::string_view text, int columns, bool ascii) {
  if (Width(text) <= columns) return std::string(text);
  if (columns <= 0) return "";
  std::string out;
  int used = 0;
  while (!text.empty()) {
    const auto [code_point, length] = Decode(text);
    const int width = CodePointWidth(code_point);
    if (used + width > columns - 1) break;
    out += text.substr(0, length);
    used += width;
    text.remove_prefix(length);
  }
  return out + (ascii ? "~" : "…");
}

std::string Left(std::string_view text, int columns, bool ascii) {
  std::string out = Cut(text, columns, ascii);
  return out.append(static_cast<size_t>(std::max(0, columns - Width(out))), ' ');
}

std::string Right(std::string_view text, int columns, bool ascii) {
  const std::string cut = Cut(text, columns, ascii);
  return std::string(static_cast<size_t>(std::max(0, columns - Width(cut))), ' ') + cut;
}

}  // namespace attune::edge
