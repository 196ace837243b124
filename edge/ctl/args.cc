#include "edge/ctl/args.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace attune::edge {
namespace {

std::vector<FlagSpec> AllFlags(const CommandSpec& spec) {
  std::vector<FlagSpec> all = spec.flags;
  if (spec.connects) all.insert(all.end(), ServerFlags().begin(), ServerFlags().end());
  all.insert(all.end(), CommonFlags().begin(), CommonFlags().end());
  return all;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] != b[j])});
      diagonal = above;
    }
  }
  return row.back();
}

absl::Status Usage(const CommandSpec& spec, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(what, " See `attunectl ", spec.name, " --help`."));
}

std::string FlagColumn(const FlagSpec& flag) {
  return flag.value.empty() ? absl::StrCat("--", flag.name)
                            : absl::StrCat("--", flag.name, "=", flag.value);
}

void AppendFlags(const std::vector<FlagSpec>& flags, std::string& out) {
  constexpr size_t kColumn = 24;
  for (const FlagSpec& flag : flags) {
    std::string left = absl::StrCat("  ", FlagColumn(flag));
    left += left.size() < kColumn ? std::string(kColumn - left.size(), ' ')
                                  : "\n" + std::string(kColumn, ' ');
    const std::string indent = "\n" + std::string(kColumn, ' ');
    absl::StrAppend(&out, left, absl::StrReplaceAll(flag.help, {{"\n", indent}}), "\n");
  }
}

}  // namespace

const std::vector<FlagSpec>& CommonFlags() {
  static const auto& flags = *new std::vector<FlagSpec>{
      {"help", "", "this text"},
  };
  return flags;
}

const std::vector<FlagSpec>& ServerFlags() {
  static const auto& flags = *new std::vector<FlagSpec>{
      {"server", "HOST:PORT", "the node to talk to (default 127.0.0.1:7400)"},
      {"token", "TOKEN", "who you are; default: the environment's ATTUNE_TOKEN"},
      {"token-file", "FILE", "read the token from FILE's first line"},
      {"keys", "FILE", "API key and secret; operator tokens are then made from it"},
      {"tls-ca", "FILE", "speak TLS and trust the certificates in FILE"},
      {"plaintext-on-network", "", "allow a connection without TLS beyond this machine"},
      {"timeout-s", "SECONDS", "give up on an unreachable server after so long (default 10)"},
  };
  return flags;
}

std::optional<std::string> Nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

absl::StatusOr<Args> ParseArgs(const CommandSpec& spec, const std::vector<std::string>& arguments) {
  const std::vector<FlagSpec> known = AllFlags(spec);
  Args args;
  bool flags_ended = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (flags_ended || argument.size() < 2 || argument[0] != '-') {
      args.operands_.push_back(argument);
      continue;
    }
    if (argument == "--") {
      flags_ended = true;
      continue;
    }
    if (argument == "-h") {
      args.flags_["help"].push_back("");
      continue;
    }
    const size_t dashes = argument.rfind("--", 0) == 0 ? 2 : 1;
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(dashes, equals - dashes);
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const FlagSpec& flag) { return flag.name == name; });
    if (it == known.end() || dashes != 2) {
      std::vector<std::string> names;
      for (const FlagSpec& flag : known) names.push_back(flag.name);
      const auto nearest = Nearest(name, names);
      return Usage(spec,
                   absl::StrCat("There is no flag '", argument.substr(0, equals), "'",
                                nearest ? absl::StrCat("; did you mean --", *nearest, "?") : "."));
    }
    if (it->value.empty()) {
      if (equals != std::string::npos) {
        return Usage(spec, absl::StrCat("--", name, " takes no value."));
      }
      args.flags_[name].push_back("");
    } else if (equals != std::string::npos) {
      args.flags_[name].push_back(argument.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      args.flags_[name].push_back(arguments[++i]);
    } else {
      return Usage(spec, absl::StrCat("--", name, " needs a value: --", name, "=", it->value, "."));
    }
  }
  if (args.Has("help")) return args;
  const int count = static_cast<int>(args.operands_.size());
  if (count < spec.operands_min) {
    return Usage(spec, absl::StrCat("'", spec.name, "' needs ", spec.operands, "."));
  }
  if (count > spec.operands_max) {
    return Usage(spec, absl::StrCat("'", args.operands_[static_cast<size_t>(spec.operands_max)],
                                    "' is one word too many."));
  }
  return args;
}

std::string HelpText(const CommandSpec& spec) {
  std::string out = absl::StrCat("attunectl ", spec.name, " - ", spec.summary, "\n\n");
  absl::StrAppend(&out, "Usage: attunectl ", spec.name,
                  spec.operands.empty() ? "" : absl::StrCat(" ", spec.operands), " [FLAGS]\n\n",
                  spec.description, "\n\n");
  if (!spec.flags.empty()) {
    out += "Flags:\n";
    AppendFlags(spec.flags, out);
    out += "\n";
  }
  if (spec.connects) {
    out += "Server:\n";
    AppendFlags(ServerFlags(), out);
    out += "\n";
  }
  absl::StrAppend(&out, "Examples:\n  ", absl::StrJoin(spec.examples, "\n  "), "\n\n");
  out += "Exit codes: 0 done, 1 refused or failed, 2 wrong usage";
  out += spec.connects ? ", 3 server not reachable.\n" : ".\n";
  return out;
}

bool Args::Has(std::string_view flag) const { return flags_.find(flag) != flags_.end(); }

std::string Args::Get(std::string_view flag) const {
  const auto it = flags_.find(flag);
  return it == flags_.end() ? "" : it->second.back();
}

std::vector<std::string> Args::All(std::string_view flag) const {
  const auto it = flags_.find(flag);
  return it == flags_.end() ? std::vector<std::string>{} : it->second;
}

absl::StatusOr<int64_t> Args::Int(std::string_view flag, int64_t otherwise, int64_t min,
                                  int64_t max) const {
  if (!Has(flag)) return otherwise;
  const std::string text = Get(flag);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", std::string(flag), "=", text, " is not a whole number from ", min, " to ", max, "."));
  }
  return value;
}

absl::StatusOr<double> Args::Real(std::string_view flag, double otherwise, double min,
                                  double max) const {
  if (!Has(flag)) return otherwise;
  const std::string text = Get(flag);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value < min || value > max) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", std::string(flag), "=", text, " is not a number from ", min, " to ", max, "."));
  }
  return value;
}

absl::StatusOr<std::string> Args::OneOf(std::string_view flag,
                                        const std::vector<std::string>& allowed) const {
  if (!Has(flag)) return allowed[0];
  const std::string value = Get(flag);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--", std::string(flag), "=", value, " is not one of ", absl::StrJoin(allowed, ", "), "."));
  }
  return value;
}

}  // namespace attune::edge
