// A client and a server on Apache Thrift's C++ library and its compiler's output.
//
//   peer serve TRANSPORT PROTOCOL        prints its port, serves until its input ends
//   peer call PORT TRANSPORT PROTOCOL    calls a service, prints what it got, a line each
#include <functional> // That the headers below forget.
#include <iostream>
#include <thread>

#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/THeaderProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/THeaderTransport.h>
#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include "DemoService.h"

using namespace apache::thrift;
using namespace apache::thrift::protocol;
using namespace apache::thrift::transport;
using std::make_shared;
using std::shared_ptr;
using std::string;

class Handler : public DemoServiceIf {
public:
    void GetItem(Demo2Response &response, const Demo2Request &request) override {
        if (request.ItemId == 404) {
            NoSuchItem missing;
            missing.ItemId = 404;
            throw missing;
        }
        if (request.ItemId == 500) {
            throw std::runtime_error("trouble in C++");
        }
        response.item.ItemId = request.ItemId;
        response.item.ItemName = request.__isset.Base ? request.Base.Caller : "nobody";
    }
    void Note(const string &text) override { std::cout << "noted " << text << std::endl; }
    void Nothing() override {}
};

static void serve(const string &transport, const string &protocol) {
    shared_ptr<TTransportFactory> transports = make_shared<TTransportFactory>();
    shared_ptr<TProtocolFactory> protocols = make_shared<THeaderProtocolFactory>();
    if (transport == "framed") {
        transports = make_shared<TFramedTransportFactory>();
    } else if (transport == "buffered") {
        transports = make_shared<TBufferedTransportFactory>();
    }
    if (transport != "theader" && protocol == "binary") {
        protocols = make_shared<TBinaryProtocolFactory>();
    } else if (transport != "theader") {
        protocols = make_shared<TCompactProtocolFactory>();
    }
    auto listener = make_shared<TServerSocket>("127.0.0.1", 0);
    auto processor = make_shared<DemoServiceProcessor>(make_shared<Handler>());
    server::TThreadedServer server(processor, listener, transports, protocols);
    std::thread serving([&] { server.serve(); });
    while (listener->getPort() == 0) {
        std::this_thread::yield();
    }
    std::cout << listener->getPort() << std::endl;
    string line;
    while (std::getline(std::cin, line)) {
    }
    server.stop();
    serving.join();
}

static shared_ptr<TProtocol> spoken(shared_ptr<TTransport> socket, const string &transport,
                                    const string &protocol) {
    bool binary = protocol == "binary";
    if (transport == "theader") {
        return make_shared<THeaderProtocol>(socket, binary ? T_BINARY_PROTOCOL : T_COMPACT_PROTOCOL);
    }
    shared_ptr<TTransport> over = make_shared<TBufferedTransport>(socket);
    if (transport == "framed") {
        over = make_shared<TFramedTransport>(socket);
    }
    if (binary) {
        return make_shared<TBinaryProtocol>(over);
    }
    return make_shared<TCompactProtocol>(over);
}

static void call(int port, const string &transport, const string &protocol) {
    auto socket = make_shared<TSocket>("127.0.0.1", port);
    auto speaking = spoken(socket, transport, protocol);
    socket->open();
    DemoServiceClient client(speaking);
    Demo2Request request;
    Demo2Response response;
    request.__isset.Base = true;
    request.Base.Caller = "toutiao.legacy.cpp";
    for (int number : {7, 404, 500, 8}) {
        request.ItemId = number;
        try {
            client.GetItem(response, request);
            std::cout << response.item.ItemId << " " << response.item.ItemName << std::endl;
        } catch (const NoSuchItem &missing) {
            std::cout << "missing " << missing.ItemId << std::endl;
        } catch (const TApplicationException &error) {
            std::cout << "error " << error.what() << std::endl;
        }
    }
    client.Note("from C++");
    client.Nothing();
    std::cout << "nothing" << std::endl;
    socket->close();
}

int main(int count, char **words) {
    if (count == 4 && string(words[1]) == "serve") {
        serve(words[2], words[3]);
    } else if (count == 5 && string(words[1]) == "call") {
        call(std::stoi(words[2]), words[3], words[4]);
    } else {
        return 2;
    }
    return 0;
}
