namespace Diffusion.Data;

/// <summary>A simple polygon.</summary>
internal sealed class PolygonOutline : ShapeOutline
{
    // Edge k goes from (x, y) by (dx, dy); inverse is 1/(dx² + dy²).
    private readonly (float X, float Y, float Dx, float Dy, float Inverse)[] _edges;

    public PolygonOutline((double X, double Y)[] corners) : this(corners, Measures(corners))
    {
    }

    private PolygonOutline((double X, double Y)[] corners, (double Area, double X, double Y, double Reach) own)
        : base(own.Area, own.X, own.Y, own.Reach)
    {
        _edges = new (float, float, float, float, float)[corners.Length];
        for (var k = 0; k < corners.Length; k++)
        {
            var (from, to) = (corners[k], corners[(k + 1) % corners.Length]);
            var (dx, dy) = (to.X - from.X, to.Y - from.Y);
            _edges[k] = ((float)from.X, (float)from.Y, (float)dx, (float)dy, (float)(1 / (dx * dx + dy * dy)));
        }
    }

    public static PolygonOutline Regular(int corners, double firstAngle) =>
        new([.. Enumerable.Range(0, corners).Select(k => Polar(1, firstAngle + 2 * Math.PI * k / corners))]);

    public static PolygonOutline Star(int points, double inner) =>
        new([.. Enumerable.Range(0, 2 * points).Select(k => Polar(k % 2 == 0 ? 1 : inner, Math.PI * k / points - Math.PI / 2))]);

    public static PolygonOutline Rectangle(double aspect) => new([(-1, -aspect), (1, -aspect), (1, aspect), (-1, aspect)]);

    /// <summary>A plus sign with arms of length 1 and half-width <paramref name="arm"/>.</summary>
    public static PolygonOutline Cross(double arm) => new(
    [
        (-arm, -1), (arm, -1), (arm, -arm), (1, -arm), (1, arm), (arm, arm),
        (arm, 1), (-arm, 1), (-arm, arm), (-1, arm), (-1, -arm), (-arm, -arm),
    ]);

    protected override float OwnDistance(float x, float y)
    {
        var nearest = float.PositiveInfinity;
        var inside = false;
        foreach (var (fromX, fromY, dx, dy, inverse) in _edges)
        {
            var (px, py) = (x - fromX, y - fromY);
            var along = Math.Clamp((px * dx + py * dy) * inverse, 0f, 1f);
            var (ox, oy) = (px - along * dx, py - along * dy); // from the nearest point of the edge
            nearest = MathF.Min(nearest, ox * ox + oy * oy);
            // A ray to the right crosses the outline an odd number of times from inside.
            if (py < 0 != py < dy && px * dy < py * dx == dy > 0) inside = !inside;
        }
        return inside ? -MathF.Sqrt(nearest) : MathF.Sqrt(nearest);
    }

    private static (double X, double Y) Polar(double radius, double angle) => (radius * Math.Cos(angle), radius * Math.Sin(angle));

    private static (double Area, double X, double Y, double Reach) Measures((double X, double Y)[] corners)
    {
        var (twiceArea, momentX, momentY) = (0.0, 0.0, 0.0);
        for (var k = 0; k < corners.Length; k++)
        {
            var (p, q) = (corners[k], corners[(k + 1) % corners.Length]);
            var cross = p.X * q.Y - q.X * p.Y;
            twiceArea += cross;
            momentX += (p.X + q.X) * cross;
            momentY += (p.Y + q.Y) * cross;
        }
        var (x, y) = (momentX / (3 * twiceArea), momentY / (3 * twiceArea));
        return (Math.Abs(twiceArea) / 2, x, y, corners.Max(c => Math.Sqrt((c.X - x) * (c.X - x) + (c.Y - y) * (c.Y - y))));
    }
}
