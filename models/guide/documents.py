"""Writes documents with questions about them, lists and calls of functions: what train_context.py adds to corpus.py.

Everything is made from templates here and in corpus.py, so its licence is the project's own.  Each function returns a
list of (role, text) turns; `words` is about how long a document becomes.
"""
import json
import corpus
from corpus import art, cap

OBJECTS, PLACES = corpus.OBJECTS, corpus.PLACES
SAYINGS = ["The bridge is closed until {day}.", "I lost my {thing} again.", "There is not enough {food} for everyone.", "We should leave before {day}.",
           "My {pet} is afraid of the wind.", "Nobody has seen the {colour} {thing}.", "I will come back from {city} in {month}.", "The {pet} is asleep.",
           "I would like to learn {hobby}.", "The {thing} belongs to my sister.", "It was {colour} when I bought it.", "{month} is the best time for {hobby}."]
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
SHOPPING = "bread milk rice soap tea honey butter salt flour cheese apples onions candles paper rope nails beans lemons".split()

def filled(r, form):
    return form.format(day=r.choice(corpus.DAYS), month=r.choice(corpus.MONTHS), thing=r.choice(OBJECTS), food=r.choice(corpus.FOODS), pet=r.choice(corpus.PETS),
                       colour=r.choice(corpus.COLOURS), city=r.choice(corpus.CITIES), hobby=r.choice(corpus.HOBBIES))

def filler(r):
    """A sentence that nobody asks about."""
    k = r.randrange(6)
    if k == 0: return r.choice(corpus.WEATHER) + "."
    if k == 1: return r.choice(list(corpus.DEFINITIONS.values()))
    if k == 2: c = r.choice(list(corpus.CAPITALS)); return f"The capital of {c} is {corpus.CAPITALS[c]}."
    if k == 3: return f"{cap(art(r.choice(corpus.TRAITS)))} {r.choice(corpus.ANIMALS)} lived {r.choice(PLACES)}."
    if k == 4: return f"{cap(r.choice(corpus.LESSONS))}."
    return f"On {r.choice(corpus.DAYS)} there was {r.choice(corpus.FOODS)} with {r.choice(corpus.FOODS)}."

def person(r, name):
    """A sentence about a person, questions about it, and the answer."""
    k = r.randrange(7)
    if k == 0: v = r.choice(corpus.CITIES); return f"{name} lives in {v}.", [f"Where does {name} live?", f"In which city does {name} live?"], f"{name} lives in {v}."
    if k == 1: v = r.choice(corpus.PETS); return f"{name} has {art(v)}.", [f"Which pet does {name} have?", f"What is the pet of {name}?"], f"{name} has {art(v)}."
    if k == 2: v = r.choice(corpus.HOBBIES); return f"{name} enjoys {v}.", [f"What does {name} enjoy?", f"What is the hobby of {name}?"], f"{name} enjoys {v}."
    if k == 3: v = r.choice(OBJECTS); p = r.choice(PLACES); return f"{name} left the {v} {p}.", [f"Where did {name} leave the {v}?", f"Where is the {v} of {name}?"], f"{name} left the {v} {p}."
    if k == 4: v = r.randrange(1000, 10000); return f"The code of {name} is {v}.", [f"What is the code of {name}?", f"Which code has {name}?"], f"The code of {name} is {v}."
    v = filled(r, r.choice(SAYINGS)); q = [f"What did {name} say?", f"Quote {name}.", f"What are the words of {name}?"]
    return r.choice([f'{name} said: "{v}"', f'"{v}" said {name}.']), q, f'{name} said: "{v}"'

def shuffled_in(r, facts, words):
    """Facts at random places among filler."""
    text = list(facts); n = sum(len(x.split()) for x in text)
    while n < words: x = filler(r); n += len(x.split()); text.insert(r.randrange(len(text) + 1), x)
    return text

def lines(r, sentences):
    """Some sentences a line, as documents have them."""
    out, at = [], 0
    while at < len(sentences): n = r.randrange(1, 5); out.append(" ".join(sentences[at:at + n])); at += n
    return "\n".join(out)

def about_people(r, words):
    names = r.sample(corpus.NAMES, min(20, max(2, words // 60 + r.randrange(3)))); known = [person(r, n) for n in names]
    text = lines(r, shuffled_in(r, [x[0] for x in known], words)); turns = []
    for i, (_, questions, answer) in enumerate(r.sample(known, min(len(known), r.randrange(2, 6)))):
        q = corpus.vary(r, r.choice(questions)); turns += [("user", (text + "\n\n" + q) if i == 0 else q), ("assistant", answer)]
        if r.random() < .15:
            other = r.choice([n for n in corpus.NAMES if n not in names])
            turns += [("user", r.choice([f"Where does {other} live?", f"What did {other} say?"])), ("assistant", f"The text does not say anything about {other}.")]
    return turns

def hidden_word(r, words):
    """One word in a long text, asked for at its end, as `longhand passkey --filler` does."""
    word = r.choice(corpus.WORDS); form = r.choice(["The secret word is {}. Remember it.", "The secret word is {}."])
    text = lines(r, shuffled_in(r, [form.format(word)], words))
    if r.random() < .5: return [("user", text + "\n\nWhat is the secret word? Answer with that word only."), ("assistant", word)]
    return [("user", text + "\n\n" + r.choice(corpus.FACTS["secret"][2])), ("assistant", f"The secret word is {word}.")]

def list_of_items(r, words):
    items = r.sample(SHOPPING, r.randrange(3, 10)); mark = r.choice(["- {1}", "{0}. {1}"]); text = "\n".join(mark.format(i + 1, x) for i, x in enumerate(items))
    before = lines(r, shuffled_in(r, [], words)) + "\n\n" if words > 60 else ""
    turns = []
    for i in range(r.randrange(1, 4)):
        k, at = r.randrange(4), r.randrange(len(items))
        if k == 0: q, a = f"What is the {ORDINALS[at]} item of the list?", f"The {ORDINALS[at]} item is {items[at]}."
        elif k == 1: q, a = "Repeat the list.", "\n".join(f"{j + 1}. {x}" for j, x in enumerate(items))
        elif k == 2: q, a = "How many items are on the list?", f"There are {len(items)} items on the list."
        else:
            x = r.choice(SHOPPING); q = f"Is {x} on the list?"; a = f"Yes, {x} is on the list." if x in items else f"No, {x} is not on the list."
        turns += [("user", f"{before}This is the list:\n{text}\n\n{q}" if i == 0 else q), ("assistant", a)]
    return turns

def function(called, description, **parameters):
    return {"type": "function", "function": {"name": called, "description": description, "parameters": {"type": "object", "properties":
            {k: {"type": t} for k, t in parameters.items()}, "required": list(parameters)}}}
def city(r): return r.choice(corpus.CITIES)
# What a function is called for: its declaration, a question with its arguments, a result and what is said about it.
CALLS = [
    (function("get_weather", "The weather of a city", city="string"), ["What is the weather in {city}?", "Will it rain in {city}?", "How is the weather in {city}?"],
     lambda r: {"city": city(r)}, lambda r: r.choice(["sunny", "rain", "snow", "cloudy", "windy"]), "The weather in {city}: {result}."),
    (function("get_time", "The time in a city", city="string"), ["What time is it in {city}?", "Tell me the time in {city}."],
     lambda r: {"city": city(r)}, lambda r: f"{r.randrange(24):02}:{r.randrange(60):02}", "It is {result} in {city}."),
    (function("add", "Adds two numbers", a="integer", b="integer"), ["Add {a} and {b}.", "What is {a} plus {b}?"],
     lambda r: {"a": r.randrange(10, 1000), "b": r.randrange(10, 1000)}, lambda r: str(r.randrange(20, 2000)), "The sum of {a} and {b} is {result}."),
    (function("find_file", "Looks for a file by its name", name="string"), ["Find the file {name}.", "Where is the file {name}?"],
     lambda r: {"name": r.choice(corpus.WORDS) + r.choice([".txt", ".md", ".gguf"])}, lambda r: f"/home/{r.choice(corpus.NAMES).lower()}/{r.choice(OBJECTS)}", "The file {name} is in {result}."),
]

def instructions(declared):
    """What longhand tells a model about functions whose chat template has no place for them."""
    compact = lambda f: json.dumps(f["function"], separators=(",", ":"))
    return ("You can call functions. These are there, each a JSON object with a schema of its parameters:\n" + "".join(compact(f) + "\n" for f in declared) +
            "\nTo call a function, write its name and its arguments in exactly this form, and then stop:\n"
            '<tool_call>\n{"name": "NAME", "arguments": {"PARAMETER": "VALUE"}}\n</tool_call>'
            "\n\nIts result comes in the next message. Several calls may follow each other. Call a function only where it helps to answer; otherwise answer as usual.")

def calls(r, words):
    """Functions are declared, called where a question needs one, and their results told."""
    there = r.sample(CALLS, r.randrange(1, 4)); turns = [("system", (corpus.SYSTEM + "\n\n" if r.random() < .4 else "") + instructions([f for f, *_ in there]))]
    for _ in range(r.randrange(1, 4)):
        if r.random() < .3: q, a = corpus.small(r); turns += [("user", corpus.vary(r, q)), ("assistant", a)]; continue
        f, asks, arguments, result, said = r.choice(there); given = arguments(r); came = result(r)
        call = json.dumps({"name": f["function"]["name"], "arguments": given})
        turns += [("user", r.choice(asks).format(**given)), ("assistant", f"<tool_call>\n{call}\n</tool_call>"), ("tool", came), ("assistant", said.format(result=came, **given))]
    return turns

if __name__ == "__main__":
    import random
    r = random.Random(1)
    for kind in (about_people, hidden_word, list_of_items, calls):
        for role, text in kind(r, 80): print(f"[{role}] {text}")
        print()
