SELECT
  `t2`.`bad`,
  `t2`.`v`,
  `t2`.`day`,
  COUNT(*) AS `units`,
  AVG(`t2`.`y`) AS `mean`,
  VAR_POP(`t2`.`y`) AS `variance`,
  MIN(`t2`.`y`) AS `least`,
  MAX(`t2`.`y`) AS `most`,
  SUM(`t2`.`y` * `t2`.`y` * `t2`.`y`) AS `cubes`,
  AVG(`t2`.`x`) AS `x_mean`,
  VAR_POP(`t2`.`x`) AS `x_variance`,
  COVAR_POP(`t2`.`x`, `t2`.`y`) AS `xy`
FROM (
  SELECT
    `t1`.`u`,
    `t1`.`v`,
    `t1`.`t`,
    IF(`t1`.`bad` = 0, `t1`.`y`, NULL) AS `y`,
    IF(`t1`.`bad` = 0, `t1`.`x`, NULL) AS `x`,
    `t1`.`bad`,
    CAST(`t1`.`t` AS DATE) AS `day`
  FROM (
    SELECT
      `t0`.`user_id` AS `u`,
      NULLIF(`t0`.`variation`, '') AS `v`,
      CAST(`t0`.`day` AS TIMESTAMP) AS `t`,
      CAST(CASE WHEN `t0`.`converted` THEN 1 WHEN NOT (
        `t0`.`converted`
      ) THEN 0 ELSE NULL END AS DOUBLE) AS `y`,
      `t0`.`before` AS `x`,
      CAST(CASE
        WHEN `t0`.`user_id` IS NULL
        THEN 1
        WHEN NULLIF(`t0`.`variation`, '') IS NULL
        THEN 2
        WHEN CAST(`t0`.`day` AS TIMESTAMP) IS NULL
        THEN 3
        WHEN (
          CAST(`t0`.`day` AS TIMESTAMP) < CAST('1970-01-01T00:00:00' AS TIMESTAMP)
        )
        OR (
          CAST(`t0`.`day` AS TIMESTAMP) >= CAST('2200-01-01T00:00:00' AS TIMESTAMP)
        )
        THEN 4
        WHEN `t0`.`converted` IS NULL
        THEN 5
        WHEN `t0`.`before` IS NULL
        OR ISNAN(`t0`.`before`)
        OR COALESCE(
          ISNAN(`t0`.`before`)
          OR (
            FALSE OR FALSE
          )
          OR (
            ABS(`t0`.`before`) > 1.7976931348623157e+308
          ),
          FALSE
        )
        THEN 6
        ELSE 0
      END AS SMALLINT) AS `bad`
    FROM `units` AS `t0`
  ) AS `t1`
) AS `t2`
GROUP BY
  1,
  2,
  3
