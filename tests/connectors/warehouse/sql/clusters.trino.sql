WITH "t9" AS (
  SELECT
    "t8"."k",
    "t8"."u",
    "t8"."rows",
    "t8"."v",
    "t8"."w",
    "t8"."low_rows",
    "t8"."c",
    "t8"."c_high",
    "t8"."t",
    CAST(0 AS SMALLINT) AS "bad"
  FROM (
    SELECT
      "t7"."k",
      "t7"."u",
      COUNT(*) AS "rows",
      MIN("t7"."v") AS "v",
      MAX("t7"."v") AS "w",
      COUNT(*) FILTER(WHERE
        (
          "t7"."v" % 100000
        ) = 0) AS "low_rows",
      MIN("t7"."c") AS "c",
      MAX("t7"."c") AS "c_high",
      MIN("t7"."t") AS "t"
    FROM (
      SELECT
        "t6"."u",
        "t6"."v",
        "t6"."t",
        "t6"."c",
        "t6"."bad",
        CAST(CAST(FLOOR(CAST((
          "t6"."v"
        ) AS DOUBLE) / (
          100000
        )) AS BIGINT) AS INTEGER) AS "k"
      FROM (
        SELECT
          "t3"."u",
          CASE
            WHEN "t3"."v" = 'candidate'
            THEN 0
            WHEN "t3"."v" = 'control'
            THEN 1
            WHEN "t3"."v" = 'B'
            THEN 100000
            WHEN "t3"."v" = 'x'
            THEN 200000
            ELSE CAST(NULL AS INTEGER)
          END AS "v",
          "t3"."t",
          "t3"."c",
          "t3"."bad"
        FROM (
          SELECT
            "t0"."user_id" AS "u",
            NULLIF("t0"."variation", '') AS "v",
            CAST(AT_TIMEZONE("t0"."ts", 'UTC') AS TIMESTAMP(6)) AS "t",
            NULLIF("t0"."team", '') AS "c",
            CAST(CASE
              WHEN "t0"."user_id" IS NULL
              THEN 1
              WHEN NULLIF("t0"."variation", '') IS NULL
              THEN 2
              WHEN CAST(AT_TIMEZONE("t0"."ts", 'UTC') AS TIMESTAMP(6)) IS NULL
              THEN 3
              WHEN (
                CAST(AT_TIMEZONE("t0"."ts", 'UTC') AS TIMESTAMP(6)) < CAST(FROM_ISO8601_TIMESTAMP('1970-01-01T00:00:00') AS TIMESTAMP(6))
              )
              OR (
                CAST(AT_TIMEZONE("t0"."ts", 'UTC') AS TIMESTAMP(6)) >= CAST(FROM_ISO8601_TIMESTAMP('2200-01-01T00:00:00') AS TIMESTAMP(6))
              )
              THEN 4
              WHEN NULLIF("t0"."team", '') IS NULL
              THEN 5
              ELSE 0
            END AS SMALLINT) AS "bad"
          FROM "exposures" AS "t0"
        ) AS "t3"
      ) AS "t6"
      WHERE
        "t6"."bad" = 0
    ) AS "t7"
    GROUP BY
      1,
      2
  ) AS "t8"
)
SELECT
  "t25"."bad",
  "t25"."v",
  "t25"."w",
  COUNT(*) AS "units",
  SUM("t25"."rows") AS "rows",
  SUM("t25"."low_rows") AS "low_rows",
  SUM("t25"."lost_y") AS "lost_y",
  SUM("t25"."members") AS "members",
  MAX("t25"."t") AS "last",
  AVG("t25"."y") AS "mean",
  VAR_POP("t25"."y") AS "variance",
  MIN("t25"."y") AS "least",
  MAX("t25"."y") AS "most",
  SUM("t25"."y" * "t25"."y" * "t25"."y") AS "cubes",
  AVG("t25"."d") AS "d_mean",
  VAR_POP("t25"."d") AS "d_variance",
  COVAR_POP("t25"."y", "t25"."d") AS "yd"
FROM (
  SELECT
    "t24"."k",
    "t24"."bad",
    "t24"."c",
    "t24"."rows",
    "t24"."low_rows",
    "t24"."members",
    "t24"."v",
    IF("t24"."bad" < 0, "t24"."w", NULL) AS "w",
    IF("t24"."bad" = 0, "t24"."y", NULL) AS "y",
    "t24"."lost_y",
    IF("t24"."bad" = 0, "t24"."d", NULL) AS "d",
    "t24"."t"
  FROM (
    SELECT
      "t23"."k",
      IF((
        "t23"."bad" = 0
      ) AND (
        "t23"."v" <> "t23"."w"
      ), -1, "t23"."bad") AS "bad",
      "t23"."c",
      "t23"."rows",
      "t23"."low_rows",
      "t23"."members",
      "t23"."v",
      "t23"."w",
      "t23"."y",
      "t23"."lost_y",
      "t23"."d",
      "t23"."t"
    FROM (
      SELECT
        "t22"."k",
        "t22"."bad",
        "t22"."c",
        "t22"."rows",
        "t22"."low_rows",
        "t22"."members",
        "t22"."v",
        "t22"."w",
        "t22"."y",
        "t22"."lost_y",
        "t22"."d",
        "t22"."t"
      FROM (
        SELECT
          "t21"."k",
          "t21"."bad",
          "t21"."c",
          "t21"."fv",
          SUM("t21"."rows") AS "rows",
          SUM("t21"."low_rows") AS "low_rows",
          COUNT(*) AS "members",
          MIN("t21"."v") AS "v",
          MAX("t21"."w") AS "w",
          SUM("t21"."y") AS "y",
          SUM("t21"."lost_y") AS "lost_y",
          CAST(COUNT(*) AS DOUBLE) AS "d",
          MAX("t21"."t") AS "t"
        FROM (
          SELECT
            "t20"."k",
            "t20"."u",
            "t20"."rows",
            "t20"."v",
            "t20"."w",
            "t20"."low_rows",
            IF("t20"."bad" = 0, "t20"."c", NULL) AS "c",
            "t20"."c_high",
            "t20"."t",
            "t20"."bad",
            "t20"."y",
            "t20"."lost_y",
            IF("t20"."bad" = 0, NULL, "t20"."v") AS "fv"
          FROM (
            SELECT
              "t19"."k",
              "t19"."u",
              "t19"."rows",
              "t19"."v",
              "t19"."w",
              "t19"."low_rows",
              "t19"."c",
              "t19"."c_high",
              "t19"."t",
              CASE
                WHEN (
                  "t19"."bad" = 0
                ) AND (
                  "t19"."c" <> "t19"."c_high"
                )
                THEN -3
                ELSE "t19"."bad"
              END AS "bad",
              "t19"."y",
              "t19"."lost_y"
            FROM (
              SELECT
                "t11"."k",
                "t11"."u",
                "t11"."rows",
                "t11"."v",
                "t11"."w",
                "t11"."low_rows",
                "t11"."c",
                "t11"."c_high",
                "t11"."t",
                "t11"."bad",
                COALESCE("t18"."y", 0) AS "y",
                COALESCE("t18"."lost_y", 0) AS "lost_y"
              FROM "t9" AS "t11"
              LEFT OUTER JOIN (
                SELECT
                  "t16"."k",
                  "t16"."u",
                  CAST(MAX(IF("t16"."fy" <> 0, 1, 0)) FILTER(WHERE
                    (
                      "t16"."ft" >= "t16"."t"
                    ) AND NOT (
                      "t16"."no_y"
                    )) AS DOUBLE) AS "y",
                  COUNT("t16"."u") FILTER(WHERE
                    (
                      "t16"."ft" >= "t16"."t"
                    ) AND "t16"."no_y") AS "lost_y"
                FROM (
                  SELECT
                    *
                  FROM (
                    SELECT
                      "t5"."u",
                      "t5"."ft",
                      "t5"."fy",
                      "t5"."no_y",
                      "t14"."k",
                      "t14"."t"
                    FROM (
                      SELECT
                        "t2"."user_id" AS "u",
                        CAST(AT_TIMEZONE("t2"."ts", 'UTC') AS TIMESTAMP(6)) AS "ft",
                        CAST("t2"."qty" AS DOUBLE) AS "fy",
                        "t2"."qty" IS NULL AS "no_y"
                      FROM (
                        SELECT
                          *
                        FROM "orders" AS "t1"
                        WHERE
                          (
                            "t1"."event" = 'paid'
                          ) OR (
                            "t1"."event" = 'renewed'
                          )
                      ) AS "t2"
                    ) AS "t5"
                    INNER JOIN (
                      SELECT
                        "t12"."k",
                        "t12"."u",
                        "t12"."t"
                      FROM "t9" AS "t12"
                    ) AS "t14"
                      ON "t5"."u" = "t14"."u"
                  ) AS "t15"
                  WHERE
                    "t15"."ft" >= "t15"."t"
                ) AS "t16"
                GROUP BY
                  1,
                  2
              ) AS "t18"
                ON "t11"."k" = "t18"."k" AND "t11"."u" = "t18"."u"
            ) AS "t19"
          ) AS "t20"
        ) AS "t21"
        GROUP BY
          1,
          2,
          3,
          4
      ) AS "t22"
    ) AS "t23"
  ) AS "t24"
) AS "t25"
GROUP BY
  1,
  2,
  3
