include "base.thrift"

namespace py article

struct Article {
    1: i64 id,
    2: string title,
    3: string author,
    4: list<string> tags,
    5: i64 reads,
}

struct MGetArticlesRequest {
    1: list<i64> ids,
    255: base.Base Base,
}

struct MGetArticlesResponse {
    1: list<Article> articles,
    255: base.BaseResp BaseResp,
}

struct GetArticleRequest {
    1: i64 id,
    255: base.Base Base,
}

struct GetArticleResponse {
    1: optional Article article,
    255: base.BaseResp BaseResp,
}

/** No article has this id. */
exception ArticleNotFound {
    1: i64 id,
}

service ArticleService {
    /** Articles with the names of their authors, in the order asked for. */
    MGetArticlesResponse MGetArticles(1: MGetArticlesRequest req),

    /** One article. A withdrawn one is answered with the business code 1410. */
    GetArticleResponse GetArticle(1: GetArticleRequest req) throws (1: ArticleNotFound missing),
}
