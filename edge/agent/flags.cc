#include "edge/agent/flags.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/agent/consent.h"
#include "edge/client/uplink.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

constexpr size_t kMostAliasBytes = 160;  // 40 characters of at most 4 bytes
constexpr size_t kMostTokenBytes = 4096;
constexpr int kLongestScanS = 600;

absl::Status Wrong(const std::string& where, const std::string& words) {
  return absl::InvalidArgumentError(absl::StrCat(where, " ", words));
}

// What one place says of people and of how they get in.
struct Draft : PersonOptions {
  std::string token_file;
};
struct Layer {
  std::vector<std::string> servers;
  std::vector<Draft> people;
  std::string join_code;
  bool sections = false;  // people begin where a section does

  bool has_token() const {
    return std::any_of(people.begin(), people.end(), [](const Draft& person) {
      return !person.token.empty() || !person.token_file.empty();
    });
  }
  bool names_source() const {
    return std::any_of(people.begin(), people.end(),
                       [](const Draft& person) { return !person.source.empty(); });
  }
};

// Without sections the settings of people stand in turn: one that is already there begins the next
// person.
absl::Status SetField(Layer& layer, std::string Draft::*field, const Setting& setting) {
  const bool there = !layer.people.empty() && !(layer.people.back().*field).empty();
  if (there && layer.sections) return Wrong(setting.where, "is there twice for one person");
  if (layer.people.empty() || there) layer.people.emplace_back();
  layer.people.back().*field = *setting.value;
  return absl::OkStatus();
}

using Set = std::function<absl::Status(AgentOptions&, Layer&, const Setting&)>;

Set Text(std::string ChannelOptions::*field) {
  return [field](AgentOptions& options, Layer&, const Setting& setting) {
    options.channel.*field = *setting.value;
    return absl::OkStatus();
  };
}

Set OfPerson(std::string Draft::*field) {
  return [field](AgentOptions&, Layer& layer, const Setting& setting) {
    return SetField(layer, field, setting);
  };
}

std::map<std::string, Set> Values() {
  std::map<std::string, Set> values = {
      {"source", OfPerson(static_cast<std::string Draft::*>(&PersonOptions::source))},
      {"name", OfPerson(static_cast<std::string Draft::*>(&PersonOptions::name))},
      {"dyad", OfPerson(static_cast<std::string Draft::*>(&PersonOptions::dyad))},
      {"token", OfPerson(static_cast<std::string Draft::*>(&PersonOptions::token))},
      {"token-file", OfPerson(&Draft::token_file)},
      {"socket", OfPerson(static_cast<std::string Draft::*>(&PersonOptions::socket))},
      {"ca", Text(&ChannelOptions::ca_file)},
      {"cert", Text(&ChannelOptions::client_cert_file)},
      {"key", Text(&ChannelOptions::client_key_file)},
      {"server-name", Text(&ChannelOptions::server_name)},
  };
  values["server"] = [](AgentOptions&, Layer& layer, const Setting& setting) {
    layer.servers.push_back(*setting.value);
    return absl::OkStatus();
  };
  values["join"] = [](AgentOptions&, Layer& layer, const Setting& setting) {
    layer.join_code = *setting.value;
    return absl::OkStatus();
  };
  values["consent"] = [](AgentOptions& options, Layer&, const Setting& setting) {
    auto consents = ParseConsents(*setting.value);
    if (!consents.ok()) return Wrong(setting.where, std::string(consents.status().message()));
    options.consents = *std::move(consents);
    return absl::OkStatus();
  };
  values["spool"] = [](AgentOptions& options, Layer&, const Setting& setting) {
    options.spool_folder = *setting.value;
    return absl::OkStatus();
  };
  values["lsl-library"] = [](AgentOptions& options, Layer&, const Setting& setting) {
    options.lsl_library = *setting.value;
    return absl::OkStatus();
  };
  values["format"] = [](AgentOptions& options, Layer&, const Setting& setting) {
    if (*setting.value != "text" && *setting.value != "json" && *setting.value != "notes") {
      return Wrong(setting.where, "is text, json or notes");
    }
    options.json = *setting.value == "json";
    options.notes_only = *setting.value == "notes";
    return absl::OkStatus();
  };
  values["seconds"] = [](AgentOptions& options, Layer&, const Setting& setting) {
    const std::string& text = *setting.value;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, options.scan_seconds);
    if (error != std::errc() || at != end || options.scan_seconds < 1 ||
        options.scan_seconds > kLongestScanS) {
      return Wrong(setting.where, absl::StrCat("is a whole number, 1 to ", kLongestScanS));
    }
    return absl::OkStatus();
  };
  return values;
}

std::map<std::string, bool* (*)(AgentOptions&)> Switches() {
  return {
      {"help", [](AgentOptions& o) { return &o.help; }},
      {"version", [](AgentOptions& o) { return &o.version; }},
      {"yes", [](AgentOptions& o) { return &o.yes; }},
      {"quiet", [](AgentOptions& o) { return &o.quiet; }},
      {"keep", [](AgentOptions& o) { return &o.keep_spool; }},
      {"exit-when-done", [](AgentOptions& o) { return &o.exit_when_done; }},
      {"lsl", [](AgentOptions& o) { return &o.lsl; }},
      {"tls", [](AgentOptions& o) { return &o.channel.tls; }},
      {"plaintext-on-network", [](AgentOptions& o) { return &o.channel.plaintext_on_network; }},
  };
}

// Applies what one place says; what it says of people is returned.
absl::StatusOr<Layer> Apply(const std::vector<Setting>& settings, AgentOptions& options) {
  const auto values = Values();
  const auto switches = Switches();
  Layer layer;
  for (const Setting& setting : settings) {
    if (setting.name == kPersonSection) {
      if (!layer.sections && !layer.people.empty()) {
        return Wrong(setting.where, "a person is described before the first section");
      }
      layer.sections = true;
      layer.people.emplace_back();
      continue;
    }
    if (const auto found = switches.find(setting.name); found != switches.end()) {
      const std::string value = setting.value.value_or("true");
      if (value != "true" && value != "false") {
        return Wrong(setting.where, "takes no value but true or false");
      }
      *found->second(options) = value == "true";
      continue;
    }
    const auto found = values.find(setting.name);
    if (found == values.end()) return Wrong(setting.where, "is not known here; see --help");
    if (!setting.value) return Wrong(setting.where, "needs a value");
    if (setting.value->empty()) return Wrong(setting.where, "is empty");
    ATTUNE_RETURN_IF_ERROR(found->second(options, layer, setting));
  }
  return layer;
}

// `higher` over `lower`, in `lower`.
absl::Status Put(Layer higher, Layer& lower) {
  if (!higher.servers.empty()) lower.servers = std::move(higher.servers);
  const bool has_token = higher.has_token();
  if (!higher.join_code.empty() || has_token) {
    lower.join_code = std::move(higher.join_code);
    for (Draft& person : lower.people) {
      person.token.clear();
      person.token_file.clear();
    }
  }
  if (higher.people.empty()) return absl::OkStatus();
  if (lower.people.size() > 1 && !higher.names_source()) {
    return absl::InvalidArgumentError(
        "the file describes several people: give --source too, or change the file");
  }
  if (lower.people.size() == 1 && higher.people.size() == 1) {
    Draft& one = lower.people.front();
    Draft& with = higher.people.front();
    for (const auto field :
         {static_cast<std::string Draft::*>(&PersonOptions::source),
          static_cast<std::string Draft::*>(&PersonOptions::name),
          static_cast<std::string Draft::*>(&PersonOptions::dyad),
          static_cast<std::string Draft::*>(&PersonOptions::token), &Draft::token_file,
          static_cast<std::string Draft::*>(&PersonOptions::socket)}) {
      if (!(with.*field).empty()) one.*field = std::move(with.*field);
    }
    return absl::OkStatus();
  }
  lower.people = std::move(higher.people);
  return absl::OkStatus();
}

absl::Status ReadToken(AgentOptions& options, Draft& person) {
  if (person.token_file.empty()) return absl::OkStatus();
  if (!person.token.empty()) {
    return absl::InvalidArgumentError("give a token or a token file for a person, not both");
  }
  ATTUNE_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(person.token_file));
  for (const char c : text) {
    if (c > ' ' && c < 0x7f) person.token += c;
  }
  if (person.token.empty() || person.token.size() > kMostTokenBytes) {
    return absl::InvalidArgumentError(absl::StrCat(person.token_file, " holds no token"));
  }
  if (OthersMayRead(person.token_file)) {
    options.warnings.push_back(absl::StrCat(
        person.token_file, " holds a token and others may read it: chmod 600 ", person.token_file));
  }
  return absl::OkStatus();
}

// Two people of one hub cannot wear the same strap; "bluez" alone means the only one there is.
std::string StrapOf(std::string_view source) {
  if (source != "bluez" && !source.starts_with("bluez:") && !source.starts_with("bluez,")) {
    return "";
  }
  std::string strap = "bluez";
  for (const char c : source.substr(5, source.find(',') - 5)) {
    strap += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return strap;
}

absl::Status CompletePeople(AgentOptions& options) {
  int number = 0;
  std::set<std::string> straps, tokens, sockets;
  int from_stdin = 0, straps_used = 0;
  for (PersonOptions& person : options.people) {
    ++number;
    const std::string who = absl::StrCat("person ", number);
    if (person.source.empty()) {
      return Wrong(who, "has no --source: give one --source for each --name");
    }
    if (person.name.empty()) {
      person.name = options.people.size() == 1 ? "Guest" : absl::StrCat("Guest ", number);
    }
    if (person.name.size() > kMostAliasBytes) {
      return absl::InvalidArgumentError("--name is longer than 40 characters");
    }
    if (!person.token.empty() && !tokens.insert(person.token).second) {
      return Wrong(who,
                   "has the token of somebody else here: each person has a token of their own");
    }
    if (!person.socket.empty() && !sockets.insert(person.socket).second) {
      return Wrong(who, "has the socket of somebody else here: what it offers is for one person");
    }
    const std::string strap = StrapOf(person.source);
    straps_used += !strap.empty();
    if (!strap.empty() && !straps.insert(strap).second) {
      return Wrong(who, "has the strap of somebody else here: each person needs one of their own");
    }
    from_stdin += person.source == "stdin";
  }
  if (from_stdin > 1) return absl::InvalidArgumentError("only one person can use stdin");
  if (straps_used > 1 && straps.contains("bluez")) {
    return absl::InvalidArgumentError(
        "with several straps say whose is whose: --source=bluez:ADDRESS for each (attune-agent "
        "scan lists them)");
  }
  return absl::OkStatus();
}

absl::Status Complete(AgentOptions& options, const Variable& variable) {
  if (options.people.empty()) return absl::InvalidArgumentError("--source is missing");
  if (options.people.size() > kMostHandles) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", kMostHandles, " people in one agent"));
  }
  ATTUNE_RETURN_IF_ERROR(CompletePeople(options));
  if (options.command == Command::kCheck) return absl::OkStatus();  // it says what is missing
  if (options.servers.empty()) {
    return absl::InvalidArgumentError("--server is missing, for example --server=127.0.0.1:7400");
  }
  for (const PersonOptions& person : options.people) {
    if (person.token.empty() == options.join_code.empty()) {
      return absl::InvalidArgumentError(
          "give --join=CODE for everybody, or one --token for each --source");
    }
  }
  if (options.spool_folder.empty()) {
    const std::string home = variable("HOME").value_or("");
    const std::string state_home = variable("XDG_STATE_HOME").value_or("");
    if (state_home.empty() && home.empty()) {
      return absl::InvalidArgumentError("neither $XDG_STATE_HOME nor $HOME is set: give --spool");
    }
    options.spool_folder =
        (state_home.empty() ? absl::StrCat(home, "/.local/state") : state_home) + "/attune";
  }
  return absl::OkStatus();
}

// The command line as settings; --config and a command are taken out.
absl::StatusOr<std::vector<Setting>> FromArguments(const std::vector<std::string>& arguments,
                                                   AgentOptions& options,
                                                   std::optional<std::string>& config) {
  const auto switches = Switches();
  std::vector<Setting> settings;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (i == 0 && (name == "check" || name == "scan")) {
      options.command = name == "check" ? Command::kCheck : Command::kScan;
      continue;
    }
    if (name == "-h") name = "--help";
    if (!name.starts_with("--")) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is no flag, and no command at the beginning; see --help"));
    }
    const size_t equals = name.find('=');
    Setting setting;
    if (equals != std::string::npos) {
      setting.value = name.substr(equals + 1);
      name.resize(equals);
    }
    setting.where = name;
    setting.name = name.substr(2);
    const bool known = setting.name == "config" || Values().contains(setting.name);
    if (!known && !switches.contains(setting.name)) {
      return absl::InvalidArgumentError(absl::StrCat("no flag ", name, "; see --help"));
    }
    if (known && !setting.value) {
      if (++i == arguments.size()) return Wrong(name, "needs a value");
      setting.value = arguments[i];
    }
    if (setting.name == "config") {
      if (setting.value->empty()) return Wrong(name, "is empty");
      config = *setting.value;
    } else {
      settings.push_back(std::move(setting));
    }
  }
  return settings;
}

std::vector<Setting> FromEnvironment(const Variable& variable) {
  std::vector<Setting> settings;
  for (const std::string& name : SettingNames()) {
    const std::string from = VariableNameOf(name);
    const auto value = variable(from);
    if (!value || value->empty() || name == "help" || name == "version") continue;
    if (name != "server") {
      settings.push_back({name, *value, from});
      continue;
    }
    for (std::string_view rest = *value; !rest.empty();) {  // several, separated by commas
      const size_t comma = rest.find(',');
      settings.push_back({name, std::string(rest.substr(0, comma)), from});
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return settings;
}

absl::StatusOr<std::vector<Setting>> FromFile(std::optional<std::string> config,
                                              const Variable& variable,
                                              std::vector<std::string>& warnings) {
  if (!config) config = variable("ATTUNE_CONFIG");
  bool may_be_missing = false;
  if (!config || config->empty()) {
    const std::string home = variable("HOME").value_or("");
    const std::string config_home = variable("XDG_CONFIG_HOME").value_or("");
    if (config_home.empty() && home.empty()) return std::vector<Setting>();
    config =
        (config_home.empty() ? absl::StrCat(home, "/.config") : config_home) + "/attune/agent.conf";
    may_be_missing = true;
  }
  const auto text = ReadSmallFile(*config);
  if (absl::IsNotFound(text.status()) && may_be_missing) return std::vector<Setting>();
  if (!text.ok()) return text.status();
  ATTUNE_ASSIGN_OR_RETURN(std::vector<Setting> settings, ParseSettings(*config, *text));
  const bool secret = std::any_of(settings.begin(), settings.end(),
                                  [](const Setting& setting) { return setting.name == "token"; });
  if (secret && OthersMayRead(*config)) {
    warnings.push_back(
        absl::StrCat(*config, " holds a token and others may read it: chmod 600 ", *config));
  }
  return settings;
}

}  // namespace

std::vector<std::string> SettingNames() {
  std::vector<std::string> names;
  for (const auto& [name, set] : Values()) names.push_back(name);
  for (const auto& [name, get] : Switches()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<AgentOptions> ParseFlags(const std::vector<std::string>& arguments,
                                        const Variable& variable) {
  AgentOptions options;
  std::optional<std::string> config;
  ATTUNE_ASSIGN_OR_RETURN(const std::vector<Setting> flags,
                          FromArguments(arguments, options, config));
  for (const Setting& flag : flags) {
    options.help |= flag.name == "help";
    options.version |= flag.name == "version";
  }
  if (options.help || options.version) return options;  // whatever else is wrong
  ATTUNE_ASSIGN_OR_RETURN(const std::vector<Setting> file,
                          FromFile(config, variable, options.warnings));
  Layer all;
  for (const auto& place : {file, FromEnvironment(variable), flags}) {
    ATTUNE_ASSIGN_OR_RETURN(Layer layer, Apply(place, options));
    ATTUNE_RETURN_IF_ERROR(Put(std::move(layer), all));
  }
  options.servers = std::move(all.servers);
  options.join_code = std::move(all.join_code);
  if (options.command == Command::kScan) return options;
  for (Draft& person : all.people) {
    ATTUNE_RETURN_IF_ERROR(ReadToken(options, person));
    options.people.push_back(std::move(person));
  }
  ATTUNE_RETURN_IF_ERROR(Complete(options, variable));
  return options;
}

}  // namespace attune::edge
