namespace Diffusion.Dynamics;

/// <summary>How a stochastic equation is stepped.</summary>
public enum SdeScheme
{
    /// <summary>x + a·h + b·√h·z. Strong order ½ and weak order 1; strong order 1 where b does not depend on the state.</summary>
    EulerMaruyama,

    /// <summary>
    /// The mean of the drifts at both ends of a step, with the noise of an Euler–Maruyama step whose b is taken halfway in time. Weak order 2 where b does
    /// not depend on the state, else like <see cref="EulerMaruyama"/>.
    /// </summary>
    Heun,
}
