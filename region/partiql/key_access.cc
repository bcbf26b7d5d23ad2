#include "region/partiql/key_access.h"

#include <algorithm>
#include <deque>
#include <map>

#include "base/coding.h"
#include "region/item/item.h"
#include "region/partiql/lowering.h"

namespace everwrite::partiql {
namespace {

using item::KeyAttribute;
using item::ValueType;
using item::ValueView;
using Type = Expr::Type;
using Schema = item::CompositeKeySchema;

// Branches that are taken apart before it is known whether they are too many.
constexpr size_t kBranchesMax = 1000;

// A condition on one key attribute that bounds a range.
struct Term {
  const KeyAttribute* attribute = nullptr;
  std::string op;                   // "=", "<", "<=", ">", ">=", "between", "begins_with"
  std::vector<std::string> values;  // compact form
};

// `:v < sk` is `sk > :v`.
std::string Mirrored(std::string op) {
  if (op[0] != '=') op[0] = op[0] == '<' ? '>' : '<';
  return op;
}

// The attribute and the expressions it is compared with; `op` may be "in", too.
struct RawTerm {
  const KeyAttribute* attribute = nullptr;
  std::string op;
  std::vector<const Expr*> values;
};

bool ReadTerm(const Expr& condition, const Schema& schema, RawTerm& out) {
  const auto key_of = [&schema](const Expr& expr) -> const KeyAttribute* {
    const std::string* name = AttributeOf(expr);
    return name == nullptr ? nullptr : schema.Find(*name);
  };
  if (condition.type == Type::kCall && condition.text == "begins_with" &&
      condition.children.size() == 2) {
    out.attribute = key_of(*condition.children[0]);
    out.op = "begins_with";
    out.values = {condition.children[1].get()};
    return out.attribute != nullptr && IsValue(*out.values[0]);
  }
  if (condition.type != Type::kOperator || condition.children.size() < 2) return false;
  constexpr std::string_view kUsable[] = {"=", "<", "<=", ">", ">=", "between", "in"};
  if (std::find(std::begin(kUsable), std::end(kUsable), condition.text) == std::end(kUsable)) {
    return false;
  }
  const Expr &first = *condition.children[0], &second = *condition.children[1];
  out.op = condition.text;
  out.attribute = key_of(first);
  if (out.op == "in") {
    if (second.type != Type::kList && second.type != Type::kBag) return false;
    for (const ExprPtr& member : second.children) out.values.push_back(member.get());
  } else if (out.op == "between") {
    out.values = {&second, condition.children[2].get()};
  } else if (out.attribute != nullptr) {
    out.values = {&second};
  } else {
    out.attribute = key_of(second);
    out.values = {&first};
    out.op = Mirrored(condition.text);
  }
  return out.attribute != nullptr && !out.values.empty() &&
         std::all_of(out.values.begin(), out.values.end(),
                     [](const Expr* value) { return IsValue(*value); });
}

// The same of conditions that decide what is read: of the partition nothing but what fixes it.
bool ReadKeyTerm(const Expr& condition, const Schema& schema, RawTerm& out) {
  return ReadTerm(condition, schema, out) &&
         (out.attribute != &schema.partition[0] || out.op == "=" || out.op == "in");
}

bool Joins(const Expr& expr, std::string_view how) {
  return expr.type == Type::kOperator && expr.text == how;
}

// Whether a condition says something about the attribute that cannot be a range: under NOT, by <>.
bool Mentions(const Expr& expr, const KeyAttribute& attribute) {
  if (const std::string* name = AttributeOf(expr)) return *name == attribute.name;
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [&](const ExprPtr& child) { return Mentions(*child, attribute); });
}

// A value that a key attribute may have.
Status CheckKeyValue(const KeyAttribute& attribute, ValueView value) {
  if (value.type() > ValueType::kBinary) {
    return InvalidArgument("Key value must be of type S, N, or B. Key name: " + attribute.name +
                           ", Key type: " + std::string(item::TypeName(value.type())));
  }
  if (!value.Is(TypeOfKey(attribute.type))) {
    return InvalidArgument(
        "Key attribute's data type should match its data type in table's schema: Key " +
        attribute.name);
  }
  if (!value.Is(ValueType::kNumber) && value.text().empty()) {
    return InvalidArgument(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
        "contain an empty " +
        std::string(value.Is(ValueType::kString) ? "string" : "binary") +
        " value. Key: " + attribute.name);
  }
  return OkStatus();
}

std::string SortBytes(const std::string& value) {
  std::string bytes;
  item::AppendSortValue(ValueView(value), bytes);
  return bytes;
}

// The part of [prefix…) that a term selects.
Range RangeOf(const std::string& prefix, const Term& term) {
  const std::string low = prefix + SortBytes(term.values[0]);
  const std::string all_end = PrefixEnd(prefix);
  if (term.op == "=") return {low, PrefixEnd(low)};
  if (term.op == "<") return {prefix, low};
  if (term.op == "<=") return {prefix, PrefixEnd(low)};
  if (term.op == ">") return {PrefixEnd(low), all_end};
  if (term.op == ">=") return {low, all_end};
  if (term.op == "between") return {low, PrefixEnd(prefix + SortBytes(term.values[1]))};
  // begins_with: without the two bytes that end ordered bytes.
  constexpr size_t kTerminatorBytes = 2;
  const std::string begin = low.substr(0, low.size() - kTerminatorBytes);
  return {begin, PrefixEnd(begin)};
}

// Narrows to what both select. Within one partition every end is a bound.
void Intersect(Range& range, const Range& other) {
  range.begin = std::max(range.begin, other.begin);
  if (!other.end.empty() && (range.end.empty() || other.end < range.end)) range.end = other.end;
}

bool IsEmpty(const Range& range) { return !range.end.empty() && range.begin >= range.end; }

// --- branches ----------------------------------------------------------------------------------

// Conditions that all hold.
struct Branch {
  std::vector<const Term*> terms;
  std::vector<const Expr*> filters;
};

class Spread {
 public:
  Spread(Parameters parameters, const Schema& schema) : parameters_(parameters), schema_(schema) {}

  Result<std::vector<Branch>> Of(const Expr& expr) {
    RawTerm raw;
    if (ReadKeyTerm(expr, schema_, raw)) return OfTerm(raw);
    if (Joins(expr, "and")) return OfAnd(expr);
    if (Joins(expr, "or") && NamesKey(expr)) return OfOr(expr);
    return std::vector<Branch>{{{}, {&expr}}};
  }
  bool too_many() const { return too_many_; }

 private:
  Result<std::vector<Branch>> OfTerm(const RawTerm& raw) {
    std::vector<std::string> values;
    for (const Expr* value : raw.values) {
      EW_ASSIGN_OR_RETURN(std::string encoded, ValueOf(*value, parameters_));
      EW_RETURN_IF_ERROR(CheckKeyValue(*raw.attribute, ValueView(encoded)));
      values.push_back(std::move(encoded));
    }
    std::vector<Branch> branches;
    if (raw.op != "in") {
      terms_.push_back({raw.attribute, raw.op, std::move(values)});
      branches.push_back({{&terms_.back()}, {}});
      return branches;
    }
    for (std::string& value : values) {
      terms_.push_back({raw.attribute, "=", {std::move(value)}});
      branches.push_back({{&terms_.back()}, {}});
    }
    return branches;
  }

  // Every combination. Chains of AND lean to the left, and may be long.
  Result<std::vector<Branch>> OfAnd(const Expr& expr) {
    std::vector<const Expr*> conjuncts;
    AppendConjuncts(expr, conjuncts);
    std::vector<Branch> all(1);
    for (const Expr* conjunct : conjuncts) {
      EW_ASSIGN_OR_RETURN(const std::vector<Branch> right, Of(*conjunct));
      if (all.size() * right.size() > kBranchesMax) {
        too_many_ = true;
        continue;
      }
      std::vector<Branch> both;
      for (const Branch& a : all) {
        for (const Branch& b : right) {
          Branch& joined = both.emplace_back(a);
          joined.terms.insert(joined.terms.end(), b.terms.begin(), b.terms.end());
          joined.filters.insert(joined.filters.end(), b.filters.begin(), b.filters.end());
        }
      }
      all = std::move(both);
    }
    return all;
  }

  Result<std::vector<Branch>> OfOr(const Expr& expr) {
    std::vector<Branch> all;
    for (const Expr* part : PartsOf(expr)) {
      EW_ASSIGN_OR_RETURN(const std::vector<Branch> branches, Of(*part));
      if (all.size() + branches.size() > kBranchesMax) {
        too_many_ = true;
        continue;
      }
      all.insert(all.end(), branches.begin(), branches.end());
    }
    return all;
  }

  static std::vector<const Expr*> PartsOf(const Expr& expr) {
    std::vector<const Expr*> parts;
    const Expr* at = &expr;
    for (; Joins(*at, "or"); at = at->children[0].get()) parts.push_back(at->children[1].get());
    parts.push_back(at);
    std::reverse(parts.begin(), parts.end());
    return parts;
  }

  bool NamesKey(const Expr& expr) const {
    RawTerm raw;
    if (ReadKeyTerm(expr, schema_, raw)) return true;
    return (Joins(expr, "and") || Joins(expr, "or")) &&
           (NamesKey(*expr.children[0]) || NamesKey(*expr.children[1]));
  }

  Parameters parameters_;
  const Schema& schema_;
  std::deque<Term> terms_;  // branches point into it
  bool too_many_ = false;
};

// Whether the clause fixes the partition whatever branch is taken.
bool FixesPartition(const Expr& expr, const Schema& schema) {
  RawTerm raw;
  if (ReadKeyTerm(expr, schema, raw)) return raw.attribute == &schema.partition[0];
  if (Joins(expr, "and")) {
    return FixesPartition(*expr.children[0], schema) || FixesPartition(*expr.children[1], schema);
  }
  return Joins(expr, "or") && FixesPartition(*expr.children[0], schema) &&
         FixesPartition(*expr.children[1], schema);
}

// --- reads -------------------------------------------------------------------------------------

// What one branch reads.
struct Read {
  std::string partition;  // encoded; empty when the branch fixes none, or two
  Range range;
  bool one_key = false;       // exactly one value for each key attribute
  bool negated_sort = false;  // its filters say something about the sort key
  std::vector<std::string> filtered;
};

void AppendNames(const Expr& expr, std::vector<std::string>& out) {
  if (const std::string* name = AttributeOf(expr)) {
    if (std::find(out.begin(), out.end(), *name) == out.end()) out.push_back(*name);
  }
  for (const ExprPtr& child : expr.children) AppendNames(*child, out);
}

Result<Read> ReadOf(const Branch& branch, const Schema& schema) {
  Read read;
  const KeyAttribute& partition = schema.partition[0];
  const std::string* value = nullptr;
  for (const Term* term : branch.terms) {
    if (term->attribute != &partition) continue;
    if (value != nullptr && *value != term->values[0]) return Read();
    value = &term->values[0];
  }
  if (value == nullptr) return Read();
  EW_ASSIGN_OR_RETURN(read.partition,
                      item::EncodeCompositePartition(schema, {{ValueView(*value)}}));
  read.range = {read.partition, PrefixEnd(read.partition)};
  read.one_key = schema.sort.empty();
  bool only_equal = true;
  for (const Term* term : branch.terms) {
    if (term->attribute == &partition) continue;
    Intersect(read.range, RangeOf(read.partition, *term));
    read.one_key = only_equal &= term->op == "=";
  }
  read.one_key &= !IsEmpty(read.range);
  for (const Expr* filter : branch.filters) {
    AppendNames(*filter, read.filtered);
    for (const KeyAttribute& sort : schema.sort) read.negated_sort |= Mentions(*filter, sort);
  }
  return read;
}

// The ranges of one partition, whose reads may not meet.
Status AppendRanges(std::vector<const Read*> reads, std::vector<Range>& out) {
  for (const Read* read : reads) {
    if (!read->negated_sort || reads.size() == 1) continue;
    out.push_back({read->partition, PrefixEnd(read->partition)});
    return OkStatus();
  }
  std::stable_sort(reads.begin(), reads.end(),
                   [](const Read* a, const Read* b) { return a->range.begin < b->range.begin; });
  const Range* before = nullptr;
  for (const Read* read : reads) {
    if (IsEmpty(read->range)) continue;
    if (before != nullptr && (before->end.empty() || read->range.begin < before->end)) {
      return InvalidArgument(
          "Overlapping conditions with range keys are not supported in where clause");
    }
    before = &read->range;
    out.push_back(read->range);
  }
  return OkStatus();
}

// Behind the hash that spreads partitions, encoded keys are in the order of their values.
std::string_view ValueOfPartition(const Read& read) {
  constexpr size_t kHashBytes = 8;
  return std::string_view(read.partition).substr(kHashBytes);
}

}  // namespace

std::optional<KeyEquality> EqualityOf(const Expr& condition, const Schema& schema) {
  RawTerm raw;
  if (!ReadTerm(condition, schema, raw) || raw.op != "=") return std::nullopt;
  return KeyEquality{raw.attribute, raw.values[0]};
}

Result<std::string> KeyValueOf(const KeyAttribute& attribute, const Expr& value,
                               Parameters parameters) {
  EW_ASSIGN_OR_RETURN(std::string encoded, ValueOf(value, parameters));
  EW_RETURN_IF_ERROR(CheckKeyValue(attribute, ValueView(encoded)));
  return encoded;
}

Result<KeyAccess> AccessOf(const Expr* where, Parameters parameters, const Schema& schema) {
  KeyAccess access;
  if (where == nullptr) return access;
  Spread spread(parameters, schema);
  EW_ASSIGN_OR_RETURN(const std::vector<Branch> branches, spread.Of(*where));
  const bool too_many = spread.too_many() || branches.size() > kRangesMax;
  if (too_many && FixesPartition(*where, schema)) {
    return InvalidArgument("Too many decomposed read operations for a given query.");
  }
  if (spread.too_many()) return access;
  std::vector<Read> reads;
  for (const Branch& branch : branches) {
    EW_ASSIGN_OR_RETURN(Read read, ReadOf(branch, schema));
    if (read.partition.empty()) return access;
    reads.push_back(std::move(read));
  }
  access.keyed = true;
  // Partitions in the order in which the statement names them.
  std::map<std::string_view, size_t> places;
  std::vector<std::vector<const Read*>> partitions;
  for (const Read& read : reads) {
    const auto [place, is_new] = places.try_emplace(read.partition, partitions.size());
    if (is_new) partitions.emplace_back();
    partitions[place->second].push_back(&read);
  }
  for (const auto& partition : partitions) {
    EW_RETURN_IF_ERROR(AppendRanges(partition, access.ranges));
  }
  access.one_key = reads.size() == 1 && reads[0].one_key;
  access.only_key = access.one_key && branches[0].filters.empty();
  std::stable_sort(reads.begin(), reads.end(), [](const Read& a, const Read& b) {
    return ValueOfPartition(a) < ValueOfPartition(b);
  });
  for (Read& read : reads) access.filtered.push_back(std::move(read.filtered));
  return access;
}

}  // namespace everwrite::partiql
