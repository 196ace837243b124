#include "edge/agent/agent.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "edge/agent/beat_meter.h"
#include "edge/agent/consent.h"
#include "edge/agent/device_notes.h"
#include "edge/agent/help.h"
#include "edge/agent/private_channel.h"
#include "edge/agent/spool_format.h"
#include "edge/client/edge_clock.h"
#include "services/base/status_macros.h"

namespace attune::edge {
namespace {

// A token is renewed so long before it expires.
constexpr int64_t kRenewBeforeUs = 60'000'000;
// When a session was ended by hand nobody tells when; data younger than this at its close is taken
// to be of the time after the end.
constexpr int64_t kAfterEndUs = 5'000'000;

}  // namespace

struct Agent::Member {
  uint32_t handle = 0;
  PersonOptions options;
  BeatMeter meter;  // before `person`, which writes into it
  bool live_source = false;
  DeviceNotes device_notes;
  std::unique_ptr<JoinSlot> slot;  // joined by code
  std::unique_ptr<Person> person;
  std::unique_ptr<PrivateChannel> channel;
  bool follow = false;  // the node is asked for what is for this person alone
  uint32_t participant = 0;
  std::string token;
  int64_t token_expires_utc_us = 0;
  bool joining = false;
  bool on_uplink = false;
  bool failed = false;  // could not join
  std::string words;
  std::string disk_trouble;
  int64_t planned_end_us = 0;
  uint64_t after_end = 0;
  bool over = false;
};

Agent::Agent(AgentOptions options, const Clock& clock, RandomSource& random, StatusWriter& status,
             int stdin_fd, SourceMaker make_source)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      status_(status),
      stdin_fd_(stdin_fd),
      make_source_(std::move(make_source)) {}

Agent::~Agent() = default;

absl::Status Agent::Prepare() {
  std::map<std::string, int> seen;
  absl::Status first_failure;
  size_t failures = 0;
  for (const PersonOptions& options : options_.people) {
    auto member = std::make_unique<Member>();
    member->handle = static_cast<uint32_t>(members_.size() + 1);
    member->options = options;
    auto source =
        make_source_(options.source, {stdin_fd_, clock_, random_, options_.lsl_library, &bluez_});
    if (!source.ok()) {
      return absl::Status(source.status().code(),
                          absl::StrCat(options.name, ": ", source.status().message()));
    }
    member->live_source = IsLive((*source)->info().stamping);
    member->person = std::make_unique<Person>(Metered(*std::move(source), &member->meter));
    ATTUNE_RETURN_IF_ERROR(OfferPrivately(*member));
    if (options.token.empty()) {
      // Two people may have the same name.
      const absl::Status slot = PrepareSlot(*member, ++seen[options.name]);
      if (!slot.ok()) first_failure.Update(slot);
      failures += !slot.ok();
    }
    members_.push_back(std::move(member));
  }
  if (failures == members_.size()) return first_failure;
  for (const std::string& address : options_.servers) {
    ATTUNE_RETURN_IF_ERROR(MakeChannel(address, options_.channel).status());
  }
  transport_ = std::make_unique<GrpcTransport>(clock_, options_.channel);
  return absl::OkStatus();
}

absl::Status Agent::OfferPrivately(Member& member) {
  const std::string& socket = member.options.socket;
  member.channel = std::make_unique<PrivateChannel>(member.options.name);
  if (!socket.empty()) ATTUNE_RETURN_IF_ERROR(member.channel->OfferSocket(socket));
  if (options_.lsl) {
    if (lsl_ == nullptr) {
      ATTUNE_ASSIGN_OR_RETURN(lsl_, LslLibrary::Load(options_.lsl_library));
    }
    ATTUNE_RETURN_IF_ERROR(member.channel->OfferLsl(lsl_));
  }
  // The terminal of a hub is nobody's own.
  member.follow = !socket.empty() || options_.lsl || options_.people.size() == 1;
  return absl::OkStatus();
}

absl::Status Agent::PrepareSlot(Member& member, int copy) {
  const std::string key = absl::StrCat(options_.join_code, "\n", member.options.name, "\n", copy);
  auto slot = JoinSlot::Open(options_.spool_folder, key, random_);
  if (slot.ok()) {
    member.slot = *std::move(slot);
    return absl::OkStatus();
  }
  member.failed = true;
  member.words = std::string(slot.status().message());
  return slot.status();
}

// In a hub, with whose it is.
void Agent::NoteOf(const Member& member, const std::string& words) {
  status_.Note(members_.size() == 1 ? words : absl::StrCat(member.options.name, ": ", words));
}

std::string Agent::TicketPath() const {
  return absl::StrCat(options_.spool_folder, "/ticket-",
                      absl::Hex(Fnv1a(session_id_), absl::kZeroPad16));
}

void Agent::MakeUplink() {
  UplinkOptions options;
  options.addresses = options_.servers;
  options.agent = kAgentVersion;
  v1::EpochTicket kept;
  if (kept.ParseFromString(ReadWhole(TicketPath())) && kept.session_id() == session_id_) {
    options.ticket = kept;
  }
  options.events.welcome = [this](uint32_t handle, const v1::Welcome& welcome) {
    Member& member = *members_[handle - 1];
    member.planned_end_us = welcome.session().planned_end_session_us();
    member.channel->OnWelcome(welcome);
    if (!std::exchange(last_trouble_, {}).empty()) status_.Note("the server is reachable again");
  };
  options.events.refused = [this](uint32_t handle, const std::string& words) {
    status_.Note(absl::StrCat(members_[handle - 1]->options.name, ": ", words));
  };
  options.events.token_needed = [this](uint32_t handle) {
    Member& member = *members_[handle - 1];
    if (member.slot != nullptr) Submit(member);
  };
  options.events.over = [this](uint32_t handle, bool delete_raw) {
    OnOver(*members_[handle - 1], delete_raw);
  };
  options.events.other = [this](uint32_t handle, const v1::EdgeDown& message) {
    members_[handle - 1]->channel->OnMessage(message);
  };
  options.events.ticket = [this](const v1::EpochTicket& ticket) {
    const absl::Status kept = WriteWhole(TicketPath(), ticket.SerializeAsString());
    if (!kept.ok()) status_.Note(std::string(kept.message()));
  };
  options.events.trouble = [this](const std::string& words) {
    if (words != last_trouble_) status_.Note(words);  // once per outage
    last_trouble_ = words;
  };
  uplink_ = std::make_unique<Uplink>(*transport_, clock_sync_, random_, std::move(options));
}

void Agent::Submit(Member& member) {
  if (std::exchange(member.joining, true)) return;
  JoinTask task;
  task.handle = member.handle;
  task.token = member.options.token;
  if (member.slot != nullptr) {
    task.request.set_request_id(member.slot->request_id());
    task.request.set_join_code(options_.join_code);
    task.request.set_role(v1::ROLE_PARTICIPANT);
    task.request.set_alias(member.options.name);
    task.request.set_dyad_key(member.options.dyad);
    const auto consents =
        options_.consents ? *options_.consents : DefaultConsents(!member.options.dyad.empty());
    for (const v1::Consent& consent : consents) *task.request.add_consents() = consent;
  }
  joiner_->Submit(std::move(task));
}

void Agent::OnJoined(const JoinResult& result) {
  Member& member = *members_[result.handle - 1];
  const std::string& name = member.options.name;
  if (result.trying) {
    const std::string words(result.status.message());
    if (words != last_trouble_) status_.Note(words);  // once for all of a hub
    last_trouble_ = words;
    return;
  }
  member.joining = false;
  const auto fail = [&](const std::string& words) {
    member.failed = true;
    member.words = words;
    status_.Note(absl::StrCat(name, ": ", words));
  };
  if (!result.status.ok()) return fail(std::string(result.status.message()));
  if (session_id_.empty()) {
    session_id_ = result.session.session_id();
    MakeUplink();
  }
  if (result.session.session_id() != session_id_) {
    return fail("this token is for another session: run one agent for each session");
  }
  member.token = result.token;
  member.token_expires_utc_us = result.token_expires_utc_us;
  if (member.on_uplink) {  // a renewal
    uplink_->SetToken(member.handle, member.token);
    return;
  }
  for (const auto& other : members_) {
    if (other->on_uplink && other->participant == result.participant) {
      return fail(absl::StrCat("this is the same participant as ", other->options.name,
                               ": each person needs a token of their own"));
    }
  }
  member.participant = result.participant;
  const absl::Status opened =
      member.person->OpenSpool(options_.spool_folder, session_id_, member.participant, random_);
  if (!opened.ok()) return fail(std::string(opened.message()));
  const absl::Status added = uplink_->Add(member.handle, member.person->spool(), member.token,
                                          member.person->sensor(), member.follow);
  if (!added.ok()) return fail(std::string(added.message()));
  member.on_uplink = true;
  status_.Note(absl::StrCat(name, " takes part as number ", member.participant));
}

void Agent::OnOver(Member& member, bool delete_raw) {
  if (std::exchange(member.over, true)) return;
  member.channel->OnOver();
  const PersonProgress& progress = uplink_->progress(member.handle);
  Spool& spool = *member.person->spool();
  if (clock_sync_.valid()) {
    const int64_t now_us = clock_sync_.SessionAt(clock_.SteadyMicros());
    int64_t end_us = now_us - kAfterEndUs;
    if (member.planned_end_us > 0) end_us = std::min(end_us, member.planned_end_us);
    for (uint64_t seq = progress.received_seq + 1; seq <= progress.highest_sent; ++seq) {
      const auto beat = spool.Get(seq);
      if (beat && beat->time_session_us > end_us) ++member.after_end;
    }
  }
  const bool remove = delete_raw || !options_.keep_spool;
  member.person->Over(remove);
  if (remove) {
    status_.Note(absl::StrCat(member.options.name, ": over; the local copy was removed"));
  } else {
    status_.Note(absl::StrCat(member.options.name, ": over; the beats stay in ", spool.path()));
  }
  if (member.slot != nullptr) member.slot->Remove();
  std::error_code ignored;
  std::filesystem::remove(TicketPath(), ignored);
  // Only when it is empty.
  std::filesystem::remove(std::filesystem::path(spool.path()).parent_path(), ignored);
}

void Agent::TakeEvents() {
  JoinResult joined;
  while (joiner_->Next(&joined)) OnJoined(joined);
  StreamEvent event;
  while (uplink_ != nullptr && transport_->Next(&event)) {
    if (event.kind == StreamEvent::Kind::kMessage) {
      uplink_->OnMessage(event.at_us, event.message);
    } else if (event.kind == StreamEvent::Kind::kClosed) {
      uplink_->OnClosed(event.at_us, event.closed);
    }
  }
}

void Agent::StepPeople(int64_t now_us) {
  for (const auto& member : members_) {
    if (member->failed || member->over) continue;
    Person& person = *member->person;
    person.Step(now_us, clock_sync_);
    for (const std::string& words : person.TakeWarnings()) {
      status_.Note(absl::StrCat(member->options.name, ": ", words));
    }
    PrivateChannel& channel = *member->channel;
    channel.Step(now_us, uplink_ != nullptr && uplink_->open(), clock_sync_, person.spool());
    for (const std::string& words : channel.TakeNotes()) {
      status_.Note(absl::StrCat(member->options.name, ": ", words));
    }
    for (const std::string& words : member->device_notes.Update(person.device())) {
      NoteOf(*member, words);
    }
    if (!member->on_uplink) continue;
    person.spool()->Sync(now_us);
    if (person.spool()->trouble() != member->disk_trouble) {
      member->disk_trouble = person.spool()->trouble();
      NoteOf(*member, member->disk_trouble.empty() ? "the spool can be written again"
                                                   : member->disk_trouble);
    }
    uplink_->SetComplete(member->handle, person.complete_us());
    if (person.finished()) uplink_->SetFinished(member->handle);
  }
}

void Agent::RefreshTokens() {
  const int64_t now_us = clock_.UtcMicros();
  for (const auto& member : members_) {
    if (member->slot != nullptr && member->on_uplink && !member->over &&
        member->token_expires_utc_us > 0 &&
        now_us > member->token_expires_utc_us - kRenewBeforeUs) {
      member->token_expires_utc_us = 0;  // asked once; the answer brings a new one
      Submit(*member);
    }
  }
}

int64_t Agent::WaitUs(int64_t now_us, int64_t uplink_us) const {
  int64_t until_us = std::min(uplink_us, now_us + kLongestWaitUs);
  for (const auto& member : members_) {
    until_us = std::min(until_us, member->person->NextStepUs(now_us, clock_sync_));
  }
  return std::max<int64_t>(0, until_us - now_us);
}

bool Agent::EverythingDone() const {
  return std::all_of(members_.begin(), members_.end(), [&](const auto& member) {
    if (member->failed || member->over) return true;
    if (!member->on_uplink || !member->person->finished()) return false;
    const PersonProgress& progress = uplink_->progress(member->handle);
    if (progress.state == PersonState::kRefused) return true;
    return progress.bye_sent && progress.durable_seq + 1 >= member->person->spool()->next_seq();
  });
}

bool Agent::GoOn(int64_t now_us, bool stop, ExitCode* code) {
  *code = kExitDone;
  const auto each = [&](auto what) { return std::all_of(members_.begin(), members_.end(), what); };
  if (each([](const auto& m) { return m->over; })) return false;
  const auto given_up = [&](const auto& m) {
    return m->failed || m->over ||
           (m->on_uplink && uplink_->progress(m->handle).state == PersonState::kRefused) ||
           (m->on_uplink && m->slot == nullptr &&
            uplink_->progress(m->handle).state == PersonState::kNeedsToken);
  };
  if (each(given_up)) {
    const bool any_over =
        std::any_of(members_.begin(), members_.end(), [](const auto& m) { return m->over; });
    if (any_over) return false;
    *code = each([](const auto& m) { return m->failed; }) ? kExitNotJoined : kExitRefused;
    return false;
  }
  if (stop_at_us_ == 0) {
    if (!stop && !(options_.exit_when_done && EverythingDone())) return true;
    stop_at_us_ = now_us + kStopWithinUs;
    for (const auto& member : members_) {
      if (member->on_uplink && !member->over) member->person->Stop(now_us, clock_sync_);
    }
    if (uplink_ != nullptr) uplink_->Stop();
  }
  return uplink_ != nullptr && !uplink_->stopped() && now_us < stop_at_us_;
}

std::vector<PersonStatus> Agent::People() const {
  std::vector<PersonStatus> people;
  for (const auto& member : members_) {
    PersonStatus status;
    status.participant = member->participant;
    status.name = member->options.name;
    status.state = member->failed ? "failed" : "joining";
    status.words = member->words;
    status.device = member->person->device();
    // The terminal of a hub is nobody's own.
    if (members_.size() == 1) status.own_words = member->channel->OwnWords(clock_.SteadyMicros());
    status.disk_trouble = !member->disk_trouble.empty();
    if (member->live_source || clock_sync_.valid()) {
      const int64_t steady_us = clock_.SteadyMicros();
      const double rate = member->live_source ? 1 : clock_sync_.rate();
      const int64_t now_us = member->live_source ? steady_us : clock_sync_.SessionAt(steady_us);
      if (const auto newest_us = member->meter.newest_us()) {
        const double age_us = static_cast<double>(now_us - *newest_us) / rate;
        status.data_age_ms = std::max<int64_t>(0, static_cast<int64_t>(age_us / 1000));
      }
      status.artefact_share = member->meter.ArtefactShare(now_us);
      status.bpm = member->meter.Bpm(now_us);
    }
    status.beats_refused = member->person->refused();
    if (member->on_uplink) {
      const PersonProgress& progress = uplink_->progress(member->handle);
      const uint64_t lost = member->person->spool()->lost();
      status.state = NameOf(progress.state);
      status.words = progress.words;
      // Numbers that were lost are acknowledged as a gap: they are not beats.
      const auto beats = [&](uint64_t seq) { return seq - std::min(seq, lost); };
      status.beats_lost = lost;
      status.beats_after_end = member->after_end;
      status.beats_sent = beats(progress.highest_sent) - member->after_end;
      status.beats_acknowledged = beats(progress.received_seq);
      status.beats_durable = beats(progress.durable_seq);
      const uint64_t last = member->person->spool()->next_seq() - 1;
      status.beats_waiting = last - std::min(last, progress.durable_seq);
    }
    people.push_back(std::move(status));
  }
  return people;
}

AgentStatus Agent::StatusNow(int64_t now_us) const {
  AgentStatus status;
  status.connected = uplink_ != nullptr && uplink_->open();
  if (clock_sync_.valid()) {
    status.session_us = clock_sync_.SessionAt(now_us);
    status.clock_uncertainty_us = clock_sync_.UncertaintyUs(now_us);
  }
  status.people = People();
  return status;
}

ExitCode Agent::Run(const std::atomic<bool>& stop) {
  joiner_ = std::make_unique<Joiner>(options_.servers, options_.channel, clock_, random_,
                                     [this] { transport_->Wake(); });
  for (const auto& member : members_) {
    if (member->failed) {
      NoteOf(*member, member->words);
    } else {
      Submit(*member);
    }
  }
  ExitCode code = kExitDone;
  SleepWatch sleep(clock_);
  while (true) {
    TakeEvents();
    const int64_t now_us = clock_.SteadyMicros();
    if (sleep.Slept()) clock_sync_.Slept(now_us);
    StepPeople(now_us);
    RefreshTokens();
    const int64_t uplink_us = uplink_ != nullptr ? uplink_->Tick(now_us) : INT64_MAX;
    if (now_us - kStatusEveryUs >= status_us_ || status_us_ == INT64_MIN) {
      status_us_ = now_us;
      status_.Status(StatusNow(now_us));
    }
    if (!GoOn(now_us, stop, &code)) break;
    transport_->Wait(WaitUs(now_us, uplink_us));
  }
  joiner_.reset();
  transport_->Abort();
  for (const auto& member : members_) {
    if (member->person->spool() != nullptr) member->person->spool()->Flush();
  }
  status_.Summary(People());
  return code;
}

}  // namespace attune::edge
