#include "region/partiql/key_access.h"

#include <algorithm>

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

// One condition on one key attribute that bounds a range.
struct Term {
  const KeyAttribute* attribute = nullptr;
  std::string op;                   // "=", "<", …, "between", "in", "begins_with"
  std::vector<std::string> values;  // compact form
};

// `:v < sk` is `sk > :v`.
std::string Mirrored(std::string op) {
  if (op[0] != '=') op[0] = op[0] == '<' ? '>' : '<';
  return op;
}

// The attribute and the expressions it is compared with.
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

// Whether a condition says something about the attribute that cannot be a range: under NOT, by <>.
bool Mentions(const Expr& expr, const KeyAttribute& attribute) {
  if (const std::string* name = AttributeOf(expr)) return *name == attribute.name;
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [&](const ExprPtr& child) { return Mentions(*child, attribute); });
}

// One branch: conditions that all hold.
struct Branch {
  std::vector<Term> terms;
  size_t others = 0;  // conditions that are no terms
  bool negated_sort = false;
};

// A value that a key attribute may have.
Status CheckKeyValue(const KeyAttribute& attribute, ValueView value) {
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

// Whether each partition attribute is given its values.
bool NamesPartition(const std::vector<const Expr*>& conjuncts, const Schema& schema) {
  return std::all_of(
      schema.partition.begin(), schema.partition.end(), [&](const KeyAttribute& attribute) {
        return std::any_of(conjuncts.begin(), conjuncts.end(), [&](const Expr* conjunct) {
          RawTerm raw;
          return ReadTerm(*conjunct, schema, raw) && raw.attribute == &attribute &&
                 (raw.op == "=" || raw.op == "in");
        });
      });
}

Result<Branch> ReadBranch(const Expr& where, Parameters parameters, const Schema& schema) {
  std::vector<const Expr*> conjuncts;
  AppendConjuncts(where, conjuncts);
  Branch branch;
  const bool keyed = NamesPartition(conjuncts, schema);
  for (const Expr* conjunct : conjuncts) {
    RawTerm raw;
    if (!ReadTerm(*conjunct, schema, raw)) {
      ++branch.others;
      for (const KeyAttribute& sort : schema.sort) branch.negated_sort |= Mentions(*conjunct, sort);
      continue;
    }
    Term term{raw.attribute, raw.op, {}};
    bool usable = true;
    for (const Expr* value : raw.values) {
      EW_ASSIGN_OR_RETURN(std::string encoded, ValueOf(*value, parameters));
      const Status fits = CheckKeyValue(*raw.attribute, ValueView(encoded));
      const bool other_type = !ValueView(encoded).Is(TypeOfKey(raw.attribute->type));
      // Another type where no key is named is the filter's to refuse (planner.cc).
      usable &= !other_type;
      if (!other_type || (keyed && raw.op != "in")) EW_RETURN_IF_ERROR(fits);
      term.values.push_back(std::move(encoded));
    }
    if (usable) {
      branch.terms.push_back(std::move(term));
    } else {
      ++branch.others;
    }
  }
  return branch;
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

// What of a partition the branch's sort conditions leave: equalities on sort attributes, in order,
// then ranges on the next. IN is left to the filter, between its least and its greatest value.
Range Narrowed(const std::string& partition, const Branch& branch, const Schema& schema,
               size_t* fixed, bool* bounded) {
  std::string prefix = partition;
  for (const KeyAttribute& sort : schema.sort) {
    const Term* equality = nullptr;
    Range range{prefix, PrefixEnd(prefix)};
    for (const Term& term : branch.terms) {
      if (term.attribute != &sort) continue;
      *bounded = true;
      if (term.op == "=") equality = &term;
      if (term.op != "in") {
        Intersect(range, RangeOf(prefix, term));
        continue;
      }
      Range span{"", ""};
      for (const std::string& value : term.values) {
        const std::string low = prefix + SortBytes(value);
        if (span.begin.empty() || low < span.begin) span.begin = low;
        span.end = std::max(span.end, PrefixEnd(low));
      }
      Intersect(range, span);
    }
    if (equality == nullptr || IsEmpty(range)) return range;
    prefix += SortBytes(equality->values[0]);
    ++*fixed;
  }
  return {prefix, PrefixEnd(prefix)};
}

// The partitions that a branch names: the values of each attribute, every combination.
Status AppendPartitions(const Branch& branch, const Schema& schema, std::vector<std::string>& out) {
  std::vector<std::vector<ValueView>> combinations(1);
  for (const KeyAttribute& attribute : schema.partition) {
    const Term* found = nullptr;
    for (const Term& term : branch.terms) {
      if (term.attribute != &attribute || (term.op != "=" && term.op != "in")) continue;
      if (found == nullptr || term.op == "=") found = &term;
    }
    if (found == nullptr) return OkStatus();  // not keyed
    std::vector<std::vector<ValueView>> longer;
    for (const auto& combination : combinations) {
      for (const std::string& value : found->values) {
        longer.push_back(combination);
        longer.back().emplace_back(value);
      }
    }
    if (longer.size() > kRangesMax) {
      return InvalidArgument("Too many decomposed read operations for a given query.");
    }
    combinations = std::move(longer);
  }
  for (const auto& combination : combinations) {
    EW_ASSIGN_OR_RETURN(std::string partition, item::EncodeCompositePartition(schema, combination));
    if (std::find(out.begin(), out.end(), partition) == out.end()) {
      out.push_back(std::move(partition));
    }
  }
  return OkStatus();
}

// What is read of one partition, by however many branches.
struct PartitionRead {
  std::string partition;
  std::vector<Range> ranges;
  bool whole = false;     // some branch has no sort condition
  bool narrowed = false;  // some branch has one
  bool negated = false;   // some branch has one that is no range
};

class Collector {
 public:
  Collector(Parameters parameters, const Schema& schema)
      : parameters_(parameters), schema_(schema) {}

  // False when the branch names no partition.
  Result<bool> Add(const Expr& where, KeyAccess& access) {
    EW_ASSIGN_OR_RETURN(const Branch branch, ReadBranch(where, parameters_, schema_));
    std::vector<std::string> partitions;
    EW_RETURN_IF_ERROR(AppendPartitions(branch, schema_, partitions));
    if (partitions.empty()) return false;
    size_t fixed = 0;
    for (const std::string& partition : partitions) {
      bool bounded = false;
      fixed = 0;
      const Range range = Narrowed(partition, branch, schema_, &fixed, &bounded);
      PartitionRead& read = ReadOf(partition);
      read.negated |= branch.negated_sort;
      read.narrowed |= bounded;
      read.whole |= !bounded && !branch.negated_sort;
      if (!IsEmpty(range)) read.ranges.push_back(range);
      if (reads_.size() > kRangesMax) {
        return InvalidArgument("Too many decomposed read operations for a given query.");
      }
    }
    access.one_key = partitions.size() == 1 && fixed == schema_.sort.size();
    access.only_key = access.one_key && branch.others == 0 &&
                      branch.terms.size() == schema_.partition.size() + schema_.sort.size();
    return true;
  }

  Status Finish(KeyAccess& access) {
    access.keyed = true;
    for (PartitionRead& read : reads_) EW_RETURN_IF_ERROR(Finish(read, access));
    return OkStatus();
  }

 private:
  PartitionRead& ReadOf(const std::string& partition) {
    for (PartitionRead& read : reads_) {
      if (read.partition == partition) return read;
    }
    reads_.push_back({partition, {}, false, false, false});
    return reads_.back();
  }

  static Status Finish(PartitionRead& read, KeyAccess& access) {
    const Status overlap =
        InvalidArgument("Overlapping conditions with range keys are not supported in where clause");
    if (read.negated) {
      access.ranges.push_back({read.partition, PrefixEnd(read.partition)});
      return OkStatus();
    }
    if (read.whole && read.narrowed) return overlap;
    if (read.whole) {
      access.ranges.push_back({read.partition, PrefixEnd(read.partition)});
      return OkStatus();
    }
    std::sort(read.ranges.begin(), read.ranges.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (size_t i = 0; i < read.ranges.size(); ++i) {
      Range& range = read.ranges[i];
      const bool same =
          i > 0 && read.ranges[i - 1].begin == range.begin && read.ranges[i - 1].end == range.end;
      if (same) continue;
      if (i > 0 && (read.ranges[i - 1].end.empty() || range.begin < read.ranges[i - 1].end)) {
        return overlap;
      }
      access.ranges.push_back(range);
    }
    return OkStatus();
  }

  Parameters parameters_;
  const Schema& schema_;
  std::vector<PartitionRead> reads_;
};

void AppendBranches(const Expr& where, std::vector<const Expr*>& out) {
  if (where.type != Type::kOperator || where.text != "or") return out.push_back(&where);
  AppendBranches(*where.children[0], out);
  AppendBranches(*where.children[1], out);
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
  std::vector<const Expr*> branches;
  AppendBranches(*where, branches);
  Collector collector(parameters, schema);
  for (const Expr* branch : branches) {
    EW_ASSIGN_OR_RETURN(const bool keyed, collector.Add(*branch, access));
    if (!keyed) return KeyAccess();
  }
  access.branches = branches.size();
  if (branches.size() > 1) access.one_key = access.only_key = false;
  EW_RETURN_IF_ERROR(collector.Finish(access));
  return access;
}

}  // namespace everwrite::partiql
