/* One of everything. */
include "base.thrift"

namespace py rich

enum Color {
    RED = 1,
    GREEN,        # two
    BLUE = 0x10,
}

typedef i64 ItemId
typedef list<Leaf> Leaves

const i32 LIMIT = 100
const string GREETING = "say \"hi\"\n"
const list<string> WORDS = ["a", 'b']
const map<string, i32> SIZES = {"small": 1, "large": LIMIT}
const Leaf LEAF = {"id": 7, "tags": ["x"]}
const set<Color> WARM = [Color.RED]

struct Leaf {
    1: required ItemId id,
    2: optional list<string> tags,
}

union Choice {
    1: i32 number,
    2: string text,
    3: Leaf leaf,
}

struct Rich {
    1: bool flag,
    2: i8 tiny,
    3: i16 small,
    4: i32 medium,
    5: ItemId large,
    6: double real,
    7: string text,
    8: binary blob,
    9: Color color,
    10: list<i32> numbers,
    11: set<string> names,
    12: map<string, i64> counts,
    13: Leaf leaf,
    14: Leaves leaves,
    15: map<i32, list<Leaf>> tree,
    16: list<list<bool>> grid,
    17: optional Choice choice,
    18: optional Rich inner,
    19: byte old_byte,
    20: list<double> reals,
    21: map<Color, Leaf> by_color,
    300: string far,
}

struct Defaults {
    1: i32 count = LIMIT,
    2: optional Color color = Color.GREEN,
    3: list<Color> colors = [Color.RED, 2],
    4: Leaf leaf = LEAF,
    5: double ratio = 1,
    6: set<i16> none = [],
    7: bool yes = true,
    8: binary raw = "raw",
    9: optional map<string, list<i32>> table = {"k": [1, 2]},
}

exception Broken {
    1: i32 code,
    2: string message,
}

service Child extends Parent {
    Rich Mix(1: Rich rich, 2: list<Rich> more) throws (1: Broken broken),
}

service Parent {
    string Echo(1: string text, 2: optional i32 times = 1),
}
