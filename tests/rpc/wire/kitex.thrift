// The service whose calls a real Kitex made and answered: kitex.vectors.

struct Base {
    1: string LogID,
    2: string Caller,
    3: string Addr,
    4: string Client,
}

exception Denied {
    1: string who,
}

service KxPlus {
    string Text(1: string text)
    string Throwing(1: string who) throws (2: Denied denied)
    void Nothing()
    oneway void Note(1: string text)
    oneway void Gone(1: string text)
    map<string, string> Meta(1: string text, 255: Base base)
}
