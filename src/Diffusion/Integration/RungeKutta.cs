namespace Diffusion.Integration;

/// <summary>
/// An explicit Runge–Kutta method for dy/ds = f(s, y): kᵢ = f(s + cᵢh, y + h·Σⱼ aᵢⱼkⱼ), y' = y + h·Σᵢ bᵢkᵢ. The pairs carry a second set of weights whose
/// difference from the first estimates the error of a step. Immutable.
/// </summary>
public sealed class RungeKutta
{
    private readonly double[] _nodes;
    private readonly double[][] _stages; // row i: the factors of k₀ … kᵢ₋₁ in stage i
    private readonly double[] _weights;
    private readonly double[]? _error;

    private RungeKutta(string name, int order, double[][] stages, double[] weights, double[]? embedded = null)
    {
        (Name, Order, _stages, _weights) = (name, order, stages, weights);
        _nodes = Array.ConvertAll(stages, row => row.Sum());
        _error = embedded is null ? null : Array.ConvertAll(Enumerable.Range(0, weights.Length).ToArray(), i => weights[i] - embedded[i]);
        IsFirstSameAsLast = stages.Length > 1 && stages[^1].AsSpan().SequenceEqual(weights.AsSpan(0, weights.Length - 1)) && weights[^1] == 0;
    }

    /// <summary>Euler's method: first order, one evaluation.</summary>
    public static RungeKutta Euler { get; } = new("Euler", 1, [[]], [1]);

    /// <summary>The midpoint method: second order, two evaluations.</summary>
    public static RungeKutta Midpoint { get; } = new("midpoint", 2, [[], [0.5]], [0, 1]);

    /// <summary>Heun's method, the trapezoidal rule with a predictor: second order, two evaluations.</summary>
    public static RungeKutta Heun { get; } = new("Heun", 2, [[], [1]], [0.5, 0.5]);

    /// <summary>The classical method: fourth order, four evaluations. (Kutta 1901)</summary>
    public static RungeKutta Classical { get; } = new("Runge-Kutta 4", 4, [[], [0.5], [0, 0.5], [0, 0, 1]], [1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6]);

    /// <summary>Third order with an error of second order: four evaluations, of which the last is the next step's first. (Bogacki and Shampine 1989)</summary>
    public static RungeKutta BogackiShampine { get; } = new("Bogacki-Shampine 3(2)", 3,
        [[], [0.5], [0, 0.75], [2.0 / 9, 1.0 / 3, 4.0 / 9]], [2.0 / 9, 1.0 / 3, 4.0 / 9, 0], [7.0 / 24, 0.25, 1.0 / 3, 0.125]);

    /// <summary>Fifth order with an error of fourth order: seven evaluations, of which the last is the next step's first. (Dormand and Prince 1980; dopri5, RK45)</summary>
    public static RungeKutta DormandPrince { get; } = new("Dormand-Prince 5(4)", 5,
        [
            [],
            [1.0 / 5],
            [3.0 / 40, 9.0 / 40],
            [44.0 / 45, -56.0 / 15, 32.0 / 9],
            [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
            [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
            [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
        ],
        [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0],
        [5179.0 / 57600, 0, 7571.0 / 16695, 393.0 / 640, -92097.0 / 339200, 187.0 / 2100, 1.0 / 40]);

    /// <summary>What the method is called.</summary>
    public string Name { get; }

    /// <summary>The order of the method.</summary>
    public int Order { get; }

    /// <summary>Evaluations of a step.</summary>
    public int Stages => _stages.Length;

    /// <summary>Whether the method estimates the error of its steps, as adaptive integration needs.</summary>
    public bool EstimatesError => _error is not null;

    /// <summary>Whether the last evaluation of a step is the first of the next.</summary>
    public bool IsFirstSameAsLast { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Walks from time to time, one step each.</summary>
    /// <param name="slope">f(s, y): borrows y, returns a fresh tensor of its shape.</param>
    /// <param name="state">y at the first time; borrowed.</param>
    /// <param name="times">Where steps begin and end, at least one; they may fall as well as rise.</param>
    /// <returns>y at the last time; a fresh tensor in the caller's scope. Differentiable where gradients are enabled.</returns>
    /// <exception cref="ArgumentException">No time was given, or one is not finite.</exception>
    public Tensor Integrate(Func<double, Tensor, Tensor> slope, Tensor state, params ReadOnlySpan<double> times)
    {
        ArgumentNullException.ThrowIfNull(slope);
        ArgumentNullException.ThrowIfNull(state);
        if (times.IsEmpty) throw new ArgumentException("No time was given; at least the one of the state is needed.", nameof(times));
        foreach (var time in times)
            if (!double.IsFinite(time)) throw new ArgumentException($"A time is {time}; finite numbers are needed.", nameof(times));
        var y = state;
        for (var i = 0; i + 1 < times.Length; i++)
        {
            using var scope = NewDisposeScope();
            var next = Step(slope, y, times[i], times[i + 1]).State.MoveToOuterDisposeScope();
            if (!ReferenceEquals(y, state)) y.Dispose();
            y = next;
        }

        return ReferenceEquals(y, state) ? state.alias() : y;
    }

    /// <summary>One step. Its tensors belong to the caller's scope, which frees the intermediate ones.</summary>
    /// <param name="slope">f(s, y).</param>
    /// <param name="y">The state.</param>
    /// <param name="from">s.</param>
    /// <param name="to">s + h; a stage at the end of the step is asked for exactly this number.</param>
    /// <param name="first">f(s, y) where it is known.</param>
    internal (Tensor State, Tensor Last, LinearForm? Error) Step(Func<double, Tensor, Tensor> slope, Tensor y, double from, double to, Tensor? first = null)
    {
        var h = to - from;
        var k = new Tensor[Stages];
        var at = y;
        for (var i = 0; i < k.Length; i++)
        {
            if (i > 0) at = Sum(y, h, _stages[i], k).Evaluate();
            k[i] = i == 0 && first is not null ? first : slope(_nodes[i] == 0 ? from : IsEnd(_nodes[i]) ? to : from + _nodes[i] * h, at);
        }

        // The last stage of such a method is the state itself.
        var next = IsFirstSameAsLast ? at : Sum(y, h, _weights, k).Evaluate();
        if (_error is null) return (next, k[^1], null);
        var error = new LinearForm();
        for (var i = 0; i < k.Length; i++) error.Add(h * _error[i], k[i]);
        return (next, k[^1], error);
    }

    /// <summary>One step of states and slopes that stay sums of tensors: what is not formed costs no pass.</summary>
    /// <param name="slope">f(s, y).</param>
    /// <param name="y">The state.</param>
    /// <param name="from">s.</param>
    /// <param name="to">s + h.</param>
    /// <param name="first">f(s, y).</param>
    internal LinearForm Step(Func<double, LinearForm, LinearForm> slope, LinearForm y, double from, double to, LinearForm first)
    {
        var h = to - from;
        var k = new LinearForm[Stages];
        for (var i = 0; i < k.Length; i++) k[i] = i == 0 ? first : slope(IsEnd(_nodes[i]) ? to : from + _nodes[i] * h, Sum(_stages[i]));
        return Sum(_weights);

        LinearForm Sum(double[] factors)
        {
            var sum = new LinearForm { { 1, y } };
            for (var i = 0; i < factors.Length; i++) sum.Add(h * factors[i], k[i]);
            return sum;
        }
    }

    // A row's sum may miss 1 by a rounding.
    private static bool IsEnd(double node) => Math.Abs(node - 1) < 1e-12;

    private static LinearForm Sum(Tensor y, double h, double[] factors, Tensor[] k)
    {
        var sum = new LinearForm { { 1, y } };
        for (var i = 0; i < factors.Length; i++) sum.Add(h * factors[i], k[i]);
        return sum;
    }
}
