import java.math.BigDecimal;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/**
 * Does with clickhouse-jdbc what DBeaver, Tableau and Metabase do: looks at the schema,
 * reads every type, sets limits. Prints a line "ok ..." for each thing that works, and
 * ends with an error at the first that does not. BI_URL, BI_USER and BI_PASSWORD say
 * where; the schema is that of the Go test that runs it.
 */
public class Check {
    static final String FUNNEL = "analytics.funnel(project = %s, steps = ['page_view', 'order'], window_seconds = 86400, "
        + "from = now64(3, 'UTC') - INTERVAL 1 DAY, to = now64(3, 'UTC'), as_of = now64(3, 'UTC'))";

    /** How 0.11.0 words TIMEOUT_EXCEEDED. */
    static final String TOO_LONG = "Query execution time exceeded limit";
    static final String ENDLESS = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)";

    public static void main(String[] args) throws Exception {
        URI at = URI.create(System.getenv("BI_URL"));
        Properties login = new Properties();
        login.setProperty("user", System.getenv("BI_USER"));
        login.setProperty("password", System.getenv("BI_PASSWORD"));
        try (Connection c = DriverManager.getConnection("jdbc:clickhouse://" + at.getHost() + ":" + at.getPort() + "/analytics", login)) {
            metadata(c);
            types(c);
            funnel(c);
            limits(c);
            timeouts(c);
            refused(c, "INSERT INTO analytics.touchpoints (project) VALUES ('x')");
            refused(c, "SELECT * FROM touchline.touchpoints");
            ok("writes and hidden tables are refused");
        }
    }

    static void metadata(Connection c) throws SQLException {
        int tables = 0;
        // 0.11.0 gives comments of columns only.
        boolean commented = !c.getMetaData().getDriverVersion().startsWith("0.11.");
        try (ResultSet r = c.getMetaData().getTables(null, "analytics", "%", null)) {
            while (r.next()) {
                tables++;
                need(!commented || !text(r, "REMARKS").isEmpty(), "no comment on " + r.getString("TABLE_NAME"));
            }
        }
        need(tables >= 10, tables + " tables");
        Map<String, Integer> want = new HashMap<>(Map.of("project", Types.VARCHAR, "event_time", Types.TIMESTAMP, "day", Types.DATE,
            "is_bot", Types.BOOLEAN, "revenue", Types.DECIMAL, "enrichment_version", Types.BIGINT));
        try (ResultSet r = c.getMetaData().getColumns(null, "analytics", "touchpoints", "%")) {
            while (r.next()) {
                String name = r.getString("COLUMN_NAME");
                need(!text(r, "REMARKS").isEmpty(), "no comment on column " + name);
                Integer type = want.remove(name);
                need(type == null || type == r.getInt("DATA_TYPE"), name + " has the type " + r.getInt("DATA_TYPE"));
            }
        }
        need(want.isEmpty(), "no columns " + want.keySet());
        ok("tables and columns with comments and types");
    }

    static void types(Connection c) throws SQLException {
        String sql = "SELECT event_id, event_time, day, is_bot, revenue, original_timestamp, enrichment_version, country "
            + "FROM analytics.touchpoints WHERE project = ? AND event = ? AND country != '' ORDER BY event_time LIMIT 1";
        try (PreparedStatement s = c.prepareStatement(sql)) {
            s.setString(1, "shop");
            s.setString(2, "order");
            try (ResultSet r = s.executeQuery()) {
                need(r.next(), "no order");
                need(new BigDecimal("12.34").compareTo(r.getBigDecimal("revenue")) == 0, "revenue " + r.getBigDecimal("revenue"));
                need(!r.getBoolean("is_bot"), "is_bot");
                need(r.getDate("day") != null && r.getString("event_id").length() == 36, "day, event_id");
                need(r.getLong("enrichment_version") == 7, "enrichment_version");
                need(r.getObject("original_timestamp") == null && r.wasNull(), "original_timestamp");
                // getTimestamp takes the zone of the JVM; these do not.
                LocalDateTime at = r.getObject("event_time", LocalDateTime.class);
                need(at.toString().equals("2026-03-29T02:30"), "event_time " + at);
                need(r.getString("event_time").startsWith("2026-03-29 02:30:00"), "event_time " + r.getString("event_time"));
            }
        }
        ok("values of every type, with bound parameters");
    }

    static void funnel(Connection c) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT step, persons FROM " + String.format(FUNNEL, "'shop'") + " ORDER BY step")) {
            persons(r);
        }
        try (PreparedStatement s = c.prepareStatement("SELECT step, persons FROM " + String.format(FUNNEL, "?") + " ORDER BY step")) {
            s.setString(1, "shop");
            try (ResultSet r = s.executeQuery()) {
                persons(r);
            }
        }
        ok("a funnel, written out and with a bound parameter");
    }

    static void persons(ResultSet r) throws SQLException {
        for (long want : new long[] {10, 4}) {
            need(r.next() && r.getLong("persons") == want, "persons at a step: want " + want);
        }
        need(!r.next(), "more than two steps");
    }

    static void limits(Connection c) throws SQLException {
        c.setReadOnly(true);
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(60);
            s.setMaxRows(5);
            int rows = 0;
            try (ResultSet r = s.executeQuery("SELECT event FROM analytics.touchpoints")) {
                while (r.next()) {
                    rows++;
                }
            }
            need(rows == 5, rows + " rows");
        }
        ok("a time limit and a limit of rows");
    }

    /** A query that takes too long ends, and says why; nobody gets more than 300 s. */
    static void timeouts(Connection c) throws SQLException {
        fails(c, 0, ENDLESS + " SETTINGS max_execution_time = 1", "TIMEOUT_EXCEEDED", TOO_LONG);
        fails(c, 0, "SELECT 1 SETTINGS max_execution_time = 301", "SETTING_CONSTRAINT_VIOLATION", "Code: 452");
        // Only 0.11.0 passes the limit of a statement on to the server.
        if (c.getMetaData().getDriverVersion().startsWith("0.11.")) {
            fails(c, 1, ENDLESS, "TIMEOUT_EXCEEDED", TOO_LONG);
            fails(c, 301, "SELECT 1", "SETTING_CONSTRAINT_VIOLATION", "Code: 452");
        }
        ok("a query that runs into its time limit");
    }

    static void refused(Connection c, String sql) throws SQLException {
        fails(c, 0, sql, "ACCESS_DENIED", "Code: 497");
    }

    /** fails needs an error with one of two texts; seconds is the statement's limit, 0 is none. */
    static void fails(Connection c, int seconds, String sql, String text, String other) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(seconds);
            s.execute(sql);
        } catch (SQLException e) {
            need(e.getMessage().contains(text) || e.getMessage().contains(other), sql + ": " + e.getMessage());
            return;
        }
        need(false, "allowed: " + sql);
    }

    static String text(ResultSet r, String column) throws SQLException {
        String text = r.getString(column);
        return text == null ? "" : text;
    }

    static void need(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    static void ok(String what) {
        System.out.println("ok " + what);
    }
}
