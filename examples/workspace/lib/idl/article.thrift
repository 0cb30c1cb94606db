include "base.thrift"

namespace py article

struct ArticleMeta {
    1: i64 id,
    2: string title,
    3: string author,
    4: i32 year,
    5: list<string> tags,
}

struct MGetArticleMetaByIdsRequest {
    1: list<i64> ids,
    255: base.Base Base,
}

struct MGetArticleMetaByIdsResponse {
    /** In the order asked for; unknown ids are left out. */
    1: list<ArticleMeta> articles,
    255: base.BaseResp BaseResp,
}

struct Article {
    1: ArticleMeta meta,
    2: string body,
    /** How many of its latest readers read it on which platform. */
    3: map<string, i32> readers,
}

struct GetArticleRequest {
    1: i64 id,
    255: base.Base Base,
}

struct GetArticleResponse {
    1: optional Article article,
    255: base.BaseResp BaseResp,
}

struct ListArticlesRequest {
    1: string tag = "",
    2: i32 count = 5,
    255: base.Base Base,
}

struct ListArticlesResponse {
    1: list<ArticleMeta> articles,
    255: base.BaseResp BaseResp,
}

/** No article has this id. */
exception ArticleNotFound {
    1: i64 id,
}

service ArticleService {
    /** What a list of articles shows of each. */
    MGetArticleMetaByIdsResponse MGetArticleMetaByIds(1: MGetArticleMetaByIdsRequest req),

    /** One article. A withdrawn one is answered with the business code 1410. */
    GetArticleResponse GetArticle(1: GetArticleRequest req) throws (1: ArticleNotFound missing),

    /** The newest articles of a tag, or of all. */
    ListArticlesResponse ListArticles(1: ListArticlesRequest req),
}
